/** A process' handles, and reading and writing by them. */
import { FileError, type Node } from './node.js'
import type { Store } from './store.js'

interface OpenFile {
  readonly node: Node
  /** Where the next read without a position begins. */
  position: number
}

const FIRST_HANDLE = 3

export class OpenFiles {
  readonly #store: Store
  readonly #files = new Map<number, OpenFile>()
  #nextHandle = FIRST_HANDLE

  constructor(store: Store) {
    this.#store = store
  }

  open(node: Node, truncate: boolean): number {
    if (truncate) this.#resize(node, 0)
    node.opens++
    this.#files.set(this.#nextHandle, { node, position: 0 })
    return this.#nextHandle++
  }

  /** Closes the handle also if the store throws because it cannot free a file without a name. */
  close(handle: number): void {
    const node = this.node(handle)
    this.#files.delete(handle)
    node.opens--
    if (node.links === 0 && node.opens === 0) this.#store.free(node)
  }

  closeAll(): void {
    for (const handle of [...this.#files.keys()]) {
      try {
        this.close(handle)
      } catch {
        // The file stays in the store without a name. The process has ended, so no process can be told the error.
      }
    }
  }

  node(handle: number): Node {
    return this.#file(handle).node
  }

  read(handle: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const file = this.#file(handle)
    const start = position < 0 ? file.position : position
    const count = Math.max(0, Math.min(length, file.node.size - start))
    if (count > 0) this.#store.read(file.node, buffer, offset, count, start)
    if (position < 0) file.position += count
    return count
  }

  write(handle: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const node = this.node(handle)
    const start = position < 0 ? node.size : position
    if (length === 0) return 0
    const size = Math.max(node.size, start + length)
    this.#store.atomically(() => {
      if (size > node.size) this.#store.resize(node, size)
      this.#store.write(node, buffer, offset, length, start)
    })
    node.size = size
    node.modified = Date.now()
    return length
  }

  sync(): void {
    this.#store.sync()
  }

  truncate(handle: number, size: number): void {
    this.#resize(this.node(handle), size)
  }

  #resize(node: Node, size: number): void {
    if (size !== node.size) this.#store.resize(node, size)
    node.size = size
    node.modified = Date.now()
  }

  #file(handle: number): OpenFile {
    const file = this.#files.get(handle)
    if (file === undefined) throw new FileError('EBADF', String(handle))
    return file
  }
}
