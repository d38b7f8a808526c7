/** A volume in memory, for a cluster that need not outlive its host. */
import { FileError, type Node } from './node.js'
import type { Store } from './store.js'
import { type Volume, volume } from './volume.js'

interface Content {
  /** May be longer than the file, so that it can grow. */
  bytes: Uint8Array
  /** Whether `bytes` belong to the caller of addFile() or to another file, and must be copied before they change. */
  borrowed: boolean
}

/** A file that grows gets twice the room, but at most this many bytes more. */
const MOST_ROOM = 1 << 20

const EMPTY: Content = { bytes: new Uint8Array(0), borrowed: true }

export function memoryVolume(): Volume {
  return volume(new MemoryStore())
}

/** Contents in memory; the volume itself keeps names and attributes. */
export class MemoryStore implements Store {
  readonly #contents = new Map<number, Content>()

  /** Only growing a file can fail, and that is always the first change. */
  atomically(changes: () => void): void {
    changes()
  }

  read({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    buffer.set(this.#content(inode).bytes.subarray(position, position + length), offset)
  }

  write({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#own(inode).set(buffer.subarray(offset, offset + length), position)
  }

  resize({ inode, size: former }: Node, size: number): void {
    const { bytes } = this.#content(inode)
    if (size > bytes.length) {
      const larger = allocate(Math.max(size, bytes.length + Math.min(bytes.length, MOST_ROOM)))
      larger.set(bytes.subarray(0, former))
      this.#contents.set(inode, { bytes: larger, borrowed: false })
    } else if (size < former) this.#own(inode).fill(0, size, former)
  }

  put({ inode }: Node, content: Uint8Array): void {
    this.#contents.set(inode, { bytes: content, borrowed: true })
  }

  copy(from: Node, to: Node): void {
    const { bytes } = this.#content(from.inode)
    const shared = { bytes: bytes.subarray(0, from.size), borrowed: true }
    this.#contents.set(from.inode, shared)
    this.#contents.set(to.inode, shared)
  }

  /** A store with the contents as they are now. The two share a file's until one of them changes it. */
  snapshot(): MemoryStore {
    const snapshot = new MemoryStore()
    for (const [inode, { bytes }] of this.#contents) {
      const shared = { bytes, borrowed: true }
      this.#contents.set(inode, shared)
      snapshot.#contents.set(inode, shared)
    }
    return snapshot
  }

  free({ inode }: Node): void {
    this.#contents.delete(inode)
  }

  save(): void {}

  addName(): void {}

  removeName(): void {}

  sync(): void {}

  #content(inode: number): Content {
    return this.#contents.get(inode) ?? EMPTY
  }

  /** The bytes of a file that is about to change. */
  #own(inode: number): Uint8Array {
    const content = this.#content(inode)
    if (!content.borrowed) return content.bytes
    const bytes = allocate(content.bytes.length)
    bytes.set(content.bytes)
    this.#contents.set(inode, { bytes, borrowed: false })
    return bytes
  }
}

function allocate(size: number): Uint8Array {
  try {
    return new Uint8Array(size)
  } catch {
    throw new FileError('ENOSPC', `${size} bytes of memory`)
  }
}
