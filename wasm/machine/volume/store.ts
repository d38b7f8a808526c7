/** Where a volume's files are kept. */
import type { Node } from './node.js'

/**
 * Keeps a volume's files. Every change is told before the volume itself makes it, so that a store which throws has
 * prevented it; the error's `code` is what the process sees. One that throws has changed nothing.
 */
export interface Store {
  /** Makes several changes as one: if a later one throws, those before it are undone, and the error is thrown. */
  atomically(changes: () => void): void
  /** Within the size of the file, from `position` on, into `buffer` from `offset` on. */
  read(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void
  /** Within the size of the file, as read(). */
  write(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void
  /** The file is to have this size; what is added is zero. */
  resize(node: Node, size: number): void
  /** A new file consists of these bytes, which nobody changes any more. */
  put(node: Node, content: Uint8Array): void
  /** A node is new, or its mode or times are. A new one may have a size already, with which put() comes next. */
  save(node: Node): void
  addName(directory: Node, name: string, node: Node): void
  removeName(directory: Node, name: string): void
  /** Nobody will ask for this node again. */
  free(node: Node): void
  /** As FileLayer's, for all that was written up to now. */
  sync(): void
}

/** What a store has kept from another time. */
export interface Kept {
  readonly root: Node
  /** No node has a higher inode. */
  readonly lastInode: number
}
