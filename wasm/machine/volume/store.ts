import type { Node } from './node.js'

/**
 * Keeps the contents of a volume's files, and what has to outlive the host. The volume calls it before it makes a change itself.
 * If the store throws, it has changed nothing, and the volume does not make the change; the process gets the error's `code`. Only a
 * write over bytes that a file has already may have been made in part, as in any file system.
 */
export interface Store {
  /** Makes several changes as one: if one throws, those before it are undone, and the error is thrown on. */
  atomically(changes: () => void): void
  /** Reads `length` bytes from `position` on into `buffer` from `offset` on. They are within the size of the file. */
  read(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void
  /** Writes `length` bytes of `buffer` from `offset` on at `position`. They are within the size of the file. */
  write(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void
  /** Changes the size of a file. Added bytes are zero. */
  resize(node: Node, size: number): void
  /** Sets the content of a new file to these bytes. The caller must not change them any more. */
  put(node: Node, content: Uint8Array): void
  /** Sets the content of a new file to that of another file. */
  copy(from: Node, to: Node): void
  /** Keeps a new node, or new mode and times of a node. If a new node has a size, put() or copy() is called next. */
  save(node: Node): void
  addName(directory: Node, name: string, node: Node): void
  removeName(directory: Node, name: string): void
  /** Removes a node that has no name and no handle any more. */
  free(node: Node): void
  /** Makes all changes up to now durable, as FileLayer.sync(). */
  sync(): void
}

/** The nodes that a store has kept from an earlier volume. */
export interface Kept {
  readonly root: Node
  /** No node has a higher inode. */
  readonly lastInode: number
}
