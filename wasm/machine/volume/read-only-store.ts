/** A store that nobody can change, such as a snapshot. */
import { FileError, type Node } from './node.js'
import type { Store } from './store.js'

const refuse = (): never => {
  throw new FileError('EROFS', 'a snapshot')
}

export abstract class ReadOnlyStore implements Store {
  readonly atomically = refuse
  readonly write = refuse
  readonly resize = refuse
  readonly put = refuse
  readonly copy = refuse
  readonly save = refuse
  readonly addName = refuse
  readonly removeName = refuse
  readonly free = refuse

  abstract read(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void

  sync(): void {}
}
