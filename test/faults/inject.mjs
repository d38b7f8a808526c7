/**
 * Preloaded into a server by the fault rig; Node runs it in every thread. It makes happen what disks, threads and clocks do
 * when they fail, and leaves the product as it is.
 *
 * What is to happen is said by files in the folder $FAULTS, because threads in the middle of C see nothing else:
 *   io.json          {call, path, code}: calls of this name on files whose path matches fail with this code
 *   trap             the kind of process that traps at its next look at its sockets or the clock
 *   clock            milliseconds by which the time of day is set forward
 * The main thread also ends the thread of a process, at any instruction, when it is sent the slot of the process.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { isMainThread, Worker } from 'node:worker_threads'

const folder = process.env.FAULTS
const { readFileSync, existsSync } = fs

function order(name) {
  const file = join(folder, name)
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined // It has just been removed.
  }
}

// ---- files ----

const paths = new Map()

function fail(call, path) {
  const io = JSON.parse(order('io.json') || '{}')
  if (io.call !== call || !new RegExp(io.path).test(path)) return
  throw Object.assign(new Error(`${io.code}: injected, ${call} '${path}'`), {
    code: io.code,
    errno: -constants.errno[io.code],
    syscall: call,
  })
}

const { openSync, writeSync, fsyncSync, fdatasyncSync } = fs
fs.openSync = (path, ...rest) => {
  const fd = openSync(path, ...rest)
  paths.set(fd, String(path))
  return fd
}
fs.writeSync = (fd, ...rest) => {
  fail('write', paths.get(fd) ?? '')
  return writeSync(fd, ...rest)
}
fs.fsyncSync = fd => {
  fail('sync', paths.get(fd) ?? '')
  fsyncSync(fd)
}
fs.fdatasyncSync = fd => {
  fail('sync', paths.get(fd) ?? '')
  fdatasyncSync(fd)
}
syncBuiltinESMExports()

// ---- the clock ----

const { now } = Date
Date.now = () => now() + Number(order('clock') ?? 0)

// ---- processes ----

if (isMainThread) {
  const threads = new Map()
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message?.slot !== undefined) threads.set(message.slot, this)
    return postMessage.call(this, message, ...rest)
  }
  process.on('message', slot => threads.get(slot)?.terminate())
  // The channel must not keep the server running.
  process.channel?.unref()
}

const { Instance } = WebAssembly
// The smallest module there is with a function that does what is not possible: (func (export "trap") unreachable)
const bytes = '0061736d0100000001040160000003020100070801047472617000000a05010300000b'
const { trap } = new Instance(new WebAssembly.Module(Buffer.from(bytes, 'hex'))).exports

WebAssembly.Instance = function (module, imports) {
  if (imports?.env?.pglite_js_read === undefined) return new Instance(module, imports)
  const kind = kindOf(imports)
  const trapping = call =>
    function (...args) {
      if (order('trap') === kind) trap()
      return call(...args)
    }
  const kernel = { ...imports.kernel, sys_poll: trapping(imports.kernel.sys_poll) }
  const host = { ...imports.host, clock: trapping(imports.host.clock), open: trapping(imports.host.open) }
  return new Instance(module, { ...imports, kernel, host })
}

/** What PostgreSQL calls this process: the argument that its parent has started it with says so. */
function kindOf({ env, kernel }) {
  const image = env.__memory_base.value >>> 0
  let slot = 1
  while (kernel.host_image(slot) >>> 0 !== image) slot++
  const memory = Buffer.from(env.memory.buffer)
  const argv = kernel.host_argv(slot) >>> 0
  const argument = kernel.host_argc(slot) > 1 ? memory.readUInt32LE(argv + 4) : argv
  const text = memory.toString('latin1', argument, memory.indexOf(0, argument))
  return /^--forkchild=(.*)$/.exec(text)?.[1] ?? 'postmaster'
}
