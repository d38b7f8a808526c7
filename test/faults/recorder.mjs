/**
 * Preloaded into a server whose disk is to be cut off: writes down everything that the server does to files, in $RECORD. Node
 * runs it in every thread.
 *
 * A record is two lengths (32 bits each), that of a head in JSON and that of the bytes that were written, and the two.
 * Each is appended by one write, so the file has the order of all threads. A call that changes something has a record when it
 * has been done; a sync has two, before and after, for it only vouches for what was done before it began.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const real = { ...fs }
const record = real.openSync(process.env.RECORD, 'a')
const none = Buffer.alloc(0)
let calls = 0

function note(head, bytes = none) {
  const text = Buffer.from(JSON.stringify(head))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32LE(text.length, 0)
  lengths.writeUInt32LE(bytes.length, 4)
  real.writeSync(record, Buffer.concat([lengths, text, bytes]))
}

/** Flags that are given by name. */
const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = real.constants
const NAMED = { r: O_RDONLY, wx: O_WRONLY | O_CREAT | O_EXCL }

fs.openSync = (path, flags = 'r', mode = 0o666) => {
  const bits = typeof flags === 'string' ? NAMED[flags] : flags
  const fd = real.openSync(path, bits, mode)
  note({ call: 'open', path: String(path), flags: bits, fd })
  return fd
}
fs.writeFileSync = (path, content, { flag, mode }) => {
  const fd = fs.openSync(path, flag, mode)
  fs.writeSync(fd, content, 0, content.length, 0)
  fs.closeSync(fd)
}
fs.closeSync = fd => {
  // Before, for afterwards the number may be another's.
  note({ call: 'close', fd })
  real.closeSync(fd)
}
fs.writeSync = (fd, buffer, offset, length, position) => {
  if (fd <= 2) return real.writeSync(fd, buffer, offset, length, position)
  // Others may be changing the memory: what is written and what is written down must be the same.
  const copy = Buffer.from(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length))
  // Without a position it is appended.
  const at = position ?? real.fstatSync(fd).size
  const written = real.writeSync(fd, copy, 0, length, position)
  note({ call: 'write', fd, at }, copy.subarray(0, written))
  return written
}
for (const [name, call] of [
  ['fsyncSync', 'sync'],
  ['fdatasyncSync', 'sync'],
])
  fs[name] = fd => {
    const id = `${process.pid}.${record}.${calls++}`
    note({ call: `${call}-begun`, fd, id })
    real[name](fd)
    note({ call: `${call}-done`, fd, id })
  }
fs.ftruncateSync = (fd, size) => {
  real.ftruncateSync(fd, size)
  note({ call: 'truncate', fd, size: size ?? 0 })
}
fs.renameSync = (from, to) => {
  real.renameSync(from, to)
  note({ call: 'rename', from, to })
}
fs.linkSync = (from, to) => {
  real.linkSync(from, to)
  note({ call: 'link', from, to })
}
fs.symlinkSync = (target, path) => {
  real.symlinkSync(target, path)
  note({ call: 'symlink', target, path })
}
fs.unlinkSync = path => {
  real.unlinkSync(path)
  note({ call: 'unlink', path })
}
fs.mkdirSync = (path, options) => {
  const made = real.mkdirSync(path, options)
  note({ call: 'mkdir', path })
  return made
}
fs.rmSync = (path, options) => {
  real.rmSync(path, options)
  note({ call: 'remove', path })
}
fs.rmdirSync = path => {
  real.rmdirSync(path)
  note({ call: 'rmdir', path })
}
syncBuiltinESMExports()
