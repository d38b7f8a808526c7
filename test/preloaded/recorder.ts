/**
 * Records in $RECORD everything that a server does to files, for tests of power failures. Node runs it in
 * every thread.
 *
 * A record is two lengths (32 bits each), that of a head in JSON and that of the bytes that were written, and the two.
 * Each is appended by one write, so the file has the order of all threads. A call that changes something has a record when it
 * has been done; a sync has two, before and after, for it only vouches for what was done before it began.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { Event } from '../faults/disk.js'

const real = { ...fs }
const record = real.openSync(process.env.RECORD!, 'a')
const none = new Uint8Array()
let calls = 0

function note(head: Event, bytes: Uint8Array = none): void {
  const text = Buffer.from(JSON.stringify(head))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32LE(text.length, 0)
  lengths.writeUInt32LE(bytes.length, 4)
  real.writeSync(record, Buffer.concat([lengths, text, bytes]))
}

/** The flags of open() that have a name. */
const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = real.constants
const NAMED: Record<string, number> = { r: O_RDONLY, wx: O_WRONLY | O_CREAT | O_EXCL }

function openSync(path: string | URL, flags: string | number = 'r', mode = 0o666): number {
  const bits = typeof flags === 'string' ? NAMED[flags]! : flags
  const fd = real.openSync(path, bits, mode)
  note({ call: 'open', path: String(path), flags: bits, fd })
  return fd
}

function closeSync(fd: number): void {
  // Before the call, because afterwards another file may have the number.
  note({ call: 'close', fd })
  real.closeSync(fd)
}

function writeSync(
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): number {
  if (fd <= 2) return real.writeSync(fd, buffer, offset, length, position)
  // Others may be changing the memory: what is written and what is written down must be the same.
  const copy = Buffer.from(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length))
  // Without a position it is appended.
  const at = position ?? real.fstatSync(fd).size
  const written = real.writeSync(fd, copy, 0, length, position)
  note({ call: 'write', fd, at }, copy.subarray(0, written))
  return written
}

function writeFileSync(path: string, content: Uint8Array, options: { flag: string; mode: number }): void {
  const fd = openSync(path, options.flag, options.mode)
  writeSync(fd, content, 0, content.length, 0)
  closeSync(fd)
}

const syncing = (call: string, sync: (fd: number) => void) => (fd: number) => {
  const id = `${process.pid}.${record}.${calls++}`
  note({ call: `${call}-begun`, fd, id })
  sync(fd)
  note({ call: `${call}-done`, fd, id })
}

const syncingLater = (call: string, sync: typeof real.fsync) => (fd: number, done: fs.NoParamCallback) => {
  const id = `${process.pid}.${record}.${calls++}`
  note({ call: `${call}-begun`, fd, id })
  sync(fd, error => {
    if (error === null) note({ call: `${call}-done`, fd, id })
    done(error)
  })
}

Object.assign(fs, {
  openSync,
  closeSync,
  writeSync,
  writeFileSync,
  fsyncSync: syncing('sync', real.fsyncSync),
  fdatasyncSync: syncing('sync', real.fdatasyncSync),
  fsync: syncingLater('sync', real.fsync),
  fdatasync: syncingLater('sync', real.fdatasync),
  ftruncateSync(fd: number, size?: number) {
    real.ftruncateSync(fd, size)
    note({ call: 'truncate', fd, size: size ?? 0 })
  },
  renameSync(from: string, to: string) {
    real.renameSync(from, to)
    note({ call: 'rename', from, to })
  },
  linkSync(from: string, to: string) {
    real.linkSync(from, to)
    note({ call: 'link', from, to })
  },
  symlinkSync(target: string, path: string) {
    real.symlinkSync(target, path)
    note({ call: 'symlink', target, path })
  },
  unlinkSync(path: string) {
    real.unlinkSync(path)
    note({ call: 'unlink', path })
  },
  mkdirSync(path: string, options?: fs.MakeDirectoryOptions) {
    const made = real.mkdirSync(path, options)
    note({ call: 'mkdir', path })
    return made
  },
  rmSync(path: string, options?: fs.RmOptions) {
    real.rmSync(path, options)
    note({ call: 'remove', path })
  },
  rmdirSync(path: string) {
    real.rmdirSync(path)
    note({ call: 'rmdir', path })
  },
})
syncBuiltinESMExports()
