/** A store that nobody can change, such as a snapshot. */
import { FileError, type Node } from './node.js'
import type { Store } from './store.js'

export abstract class ReadOnlyStore implements Store {
  abstract read(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void

  atomically(): void {
    throw unchangeable()
  }
  write(): void {
    throw unchangeable()
  }
  resize(): void {
    throw unchangeable()
  }
  put(): void {
    throw unchangeable()
  }
  copy(): void {
    throw unchangeable()
  }
  save(): void {
    throw unchangeable()
  }
  addName(): void {
    throw unchangeable()
  }
  removeName(): void {
    throw unchangeable()
  }
  free(): void {
    throw unchangeable()
  }
  sync(): void {}
}

const unchangeable = () => new FileError('EROFS', 'a snapshot')
