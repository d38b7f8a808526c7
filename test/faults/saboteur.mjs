/**
 * Preloaded into a server to which faults are done from outside, by messages: Node runs it in every thread, and they share what
 * is asked for. A message has one of these:
 *
 * - `kill`, a slot of the process table: ends that process' thread at any instruction, with nothing cleaned up.
 * - `trap`, a slot: its code does what is not possible, when it next calls the host.
 * - `files`, one of FILES by name: calls on files fail so from now on; any other name: they work again.
 * - `threads`, a boolean: whether the system has threads for more processes, as it has at first.
 * - `clock`, milliseconds: the time of day is so much later, or earlier, than it is.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import workerThreads, {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  Worker,
} from 'node:worker_threads'

const WRITES = ['writeSync', 'ftruncateSync', 'mkdirSync', 'linkSync', 'symlinkSync', 'renameSync']
const SYNCS = ['fsyncSync', 'fdatasyncSync']
const FILES = [
  undefined,
  { name: 'sync-fails', code: 'EIO', calls: SYNCS },
  { name: 'write-fails', code: 'EIO', calls: ['writeSync', 'ftruncateSync'] },
  { name: 'full', code: 'ENOSPC', calls: WRITES, creates: true },
  { name: 'read-only', code: 'EROFS', calls: [...WRITES, 'unlinkSync', 'rmdirSync'], creates: true },
]
const THREADS = 4096

const KEY = 'saboteur'
if (isMainThread) setEnvironmentData(KEY, new SharedArrayBuffer(16 + 4 * THREADS))
const shared = getEnvironmentData(KEY)
const clock = new Float64Array(shared, 0, 1)
const files = new Int32Array(shared, 8, 1)
/** By thread: whether its process is to trap. */
const traps = new Int32Array(shared, 16, THREADS)

const { now } = Date
Date.now = () => now() + clock[0]

/** Descriptors of this thread's files: others are sockets and the standard streams. */
const opened = new Set()
for (const name of new Set(FILES.flatMap(fault => fault?.calls ?? []))) {
  const call = fs[name]
  fs[name] = (...args) => {
    const fault = FILES[Atomics.load(files, 0)]
    if (fault?.calls.includes(name) && (typeof args[0] === 'string' || opened.has(args[0]))) fail(fault, name)
    return call(...args)
  }
}
const { openSync, closeSync } = fs
fs.openSync = (path, flags, ...rest) => {
  const fault = FILES[Atomics.load(files, 0)]
  if (fault?.creates && flags & fs.constants.O_CREAT && !fs.existsSync(path)) fail(fault, 'openSync')
  const fd = openSync(path, flags, ...rest)
  opened.add(fd)
  return fd
}
fs.closeSync = fd => {
  opened.delete(fd)
  closeSync(fd)
}
let hasThreads = true
workerThreads.Worker = class extends Worker {
  constructor(...args) {
    if (!hasThreads) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
    super(...args)
  }
}
syncBuiltinESMExports()

function fail({ code }, syscall) {
  const errno = { EIO: -5, ENOSPC: -28, EROFS: -30 }[code]
  throw Object.assign(new Error(`${code}: ${syscall}`), { code, errno, syscall })
}

if (isMainThread) {
  const threads = new Map()
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message?.slot !== undefined) threads.set(message.slot, this)
    return postMessage.call(this, message, ...rest)
  }
  process.on('message', message => {
    if (message.kill !== undefined) threads.get(message.kill).terminate()
    if (message.trap !== undefined) Atomics.store(traps, threads.get(message.trap).threadId, 1)
    if (message.files !== undefined)
      Atomics.store(files, 0, Math.max(0, FILES.findIndex(fault => fault?.name === message.files)))
    if (message.threads !== undefined) hasThreads = message.threads
    if (message.clock !== undefined) clock[0] = message.clock
  })
  // The channel must not keep the server running.
  process.channel.unref()
} else {
  const { Instance } = WebAssembly
  // The smallest module there is with a function that does what is not possible: (func (export "trap") unreachable)
  const bytes = '0061736d0100000001040160000003020100070801047472617000000a05010300000b'
  const { trap } = new Instance(new WebAssembly.Module(Buffer.from(bytes, 'hex'))).exports

  WebAssembly.Instance = function (module, imports) {
    if (imports?.host === undefined || imports.kernel === undefined) return new Instance(module, imports)
    const watched = call => (...args) => {
      if (Atomics.exchange(traps, threadId, 0) === 1) trap()
      return call(...args)
    }
    const watchAll = calls =>
      Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, watched(call)]))
    return new Instance(module, { ...imports, host: watchAll(imports.host) })
  }
}
