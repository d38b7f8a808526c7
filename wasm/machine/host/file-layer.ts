/**
 * Where files are kept. Everything is synchronous, for PostgreSQL is. Paths are absolute. Methods throw errors that
 * have a `code` such as 'ENOENT', as those of node:fs.
 */
import type { offsetof } from '../abi.js'

/** What a file is, by the fields of `struct host_stat` in c/host-imports.h. */
export interface FileStatus extends Record<keyof typeof offsetof.host_stat, number> {
  /** Linux's type and permission bits. */
  mode: number
  /** Bytes. */
  size: number
  device: number
  inode: number
  links: number
  /** Of 512 bytes. */
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
  /** Every write returns only once it is on stable storage. */
  sync: boolean
  /** Fail with ELOOP if the path's last name is a symbolic link. */
  noFollow: boolean
  /** Reading fails with EAGAIN where it would have to wait, as for a terminal. */
  nonBlocking?: boolean
}

/** Sockets and the like are 'other': a data directory may hold one, but PostgreSQL opens none. */
export type EntryType = 'file' | 'directory' | 'link' | 'other'

export interface FileLayer {
  /** Returns a handle >= 3. */
  open(path: string, flags: OpenFlags, mode: number): number
  close(handle: number): void
  /** Into `length` bytes of `buffer` from `offset`; at `position`, or where the last read ended with -1. Returns how many. */
  read(handle: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  /** As read(); position -1 appends. */
  write(handle: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  /** Returns once all that was written is on stable storage, or sees to it that no client is answered before it is. */
  sync(handle: number, dataOnly: boolean): void
  truncate(handle: number, size: number): void
  stat(path: string, followLinks: boolean): FileStatus
  fstat(handle: number): FileStatus
  /** Entries without . and .. */
  list(path: string): { name: string; type: EntryType }[]
  mkdir(path: string, mode: number): void
  rmdir(path: string): void
  unlink(path: string): void
  rename(from: string, to: string): void
  link(from: string, to: string): void
  symlink(target: string, path: string): void
  readlink(path: string): string
  chmod(path: string, mode: number): void
  /** -1 leaves the owner, or the group, as it is. */
  chown(path: string, owner: number, group: number): void
  utimes(path: string, accessed: number, modified: number): void
  /** Close all handles: the process that used this layer has ended. */
  closeAll(): void
}
