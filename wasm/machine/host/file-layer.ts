/**
 * Files, as processes use them. All methods are synchronous, because PostgreSQL is. Paths are absolute. Methods throw errors that
 * have a `code` such as 'ENOENT', as those of node:fs.
 */
import type { offsetof } from '../abi.js'

/** A file's status: the fields of `struct host_stat` in c/host-imports.h. */
export interface FileStatus extends Record<keyof typeof offsetof.host_stat, number> {
  /** Linux's type and permission bits. */
  mode: number
  /** Bytes. */
  size: number
  device: number
  inode: number
  links: number
  /** Blocks of 512 bytes. */
  blocks: number
  /** Milliseconds since 1970, as all times here. */
  accessed: number
  modified: number
  changed: number
}

/** How to open a file. */
export interface OpenFlags {
  read: boolean
  write: boolean
  /** Make it if there is none. */
  create: boolean
  /** With `create`: fail with EEXIST if there is one. */
  exclusive: boolean
  truncate: boolean
  /** Every write goes to the end. */
  append: boolean
  /** Every write returns when it is on stable storage. */
  sync: boolean
  /** Fail with ELOOP if the path's last name is a symbolic link. */
  noFollow: boolean
  /** A read that would have to wait, for example for a terminal, fails with EAGAIN. */
  nonBlocking?: boolean
}

/** 'other' are sockets, for example: a data directory may hold them, but PostgreSQL opens none. */
export type EntryType = 'file' | 'directory' | 'link' | 'other'

export interface FileLayer {
  /** Returns a handle >= 3. */
  open(path: string, flags: OpenFlags, mode: number): number
  close(handle: number): void
  /** Reads `length` bytes at `position` into `buffer` from `offset` on. Position -1 is where the last read ended. Returns how many. */
  read(handle: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  /** Writes `length` bytes of `buffer` from `offset` on at `position`. Position -1 appends. Returns how many. */
  write(handle: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  /** Makes all writes durable: they are when it returns, or at least before any client is answered. */
  sync(handle: number, dataOnly: boolean): void
  /** The same for a process that is suspended meanwhile, so that others on its thread go on. Without it sync() is called. */
  syncLater?(handle: number, dataOnly: boolean): Promise<void>
  truncate(handle: number, size: number): void
  stat(path: string, followLinks: boolean): FileStatus
  fstat(handle: number): FileStatus
  /** The entries of a directory, without . and .. */
  list(path: string): { name: string; type: EntryType }[]
  mkdir(path: string, mode: number): void
  rmdir(path: string): void
  unlink(path: string): void
  /**
   * Removes a directory and all that is in it, now or soon: the path is free at once. Returns false, having done nothing, where that is not
   * possible. Absent: it never is.
   */
  removeDirectory?(path: string): boolean
  rename(from: string, to: string): void
  /**
   * Copies a whole file. Fails with EEXIST if there is a `to`. Where the storage allows it, both share their blocks until one of them is
   * written to.
   */
  copy(from: string, to: string): void
  /**
   * Gives a file of a table another name, which becomes a file of its own before either is written to. Fails with EEXIST if there is a `to`. Does not
   * follow a link. Returns false, having done nothing, where that is not possible. Absent: it never is.
   */
  share?(from: string, to: string): boolean
  link(from: string, to: string): void
  symlink(target: string, path: string): void
  readlink(path: string): string
  chmod(path: string, mode: number): void
  /** -1 leaves the owner, or the group, as it is. */
  chown(path: string, owner: number, group: number): void
  utimes(path: string, accessed: number, modified: number): void
  /** Closes all handles. To be called when the process that uses this layer has ended. */
  closeAll(): void
}
