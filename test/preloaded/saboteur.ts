/**
 * Does faults to a server when a test sends it a message. Node runs it in every thread, and the threads share what the test asks
 * for. A process is named by its slot of the process table.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import workerThreads, {
  getEnvironmentData,
  isMainThread,
  parentPort,
  setEnvironmentData,
  Worker,
} from 'node:worker_threads'

/** What the saboteur reads of a message of wasm/node/threads.ts to a thread. */
interface RunMessage {
  readonly slot: number
  readonly shared: boolean
}

export type Message =
  /** Ends the process at any instruction, with nothing cleaned up; where it shares a thread, where it next waits. */
  | { kill: number }
  /** The process' code traps when it next calls the host. With `reload` all processes reload the configuration: one that sleeps calls it then. */
  | { trap: number; reload?: boolean }
  /** Calls on files fail with this error from now on, or work again. */
  | { files: FileFault['name'] | 'work' }
  /** Whether the system has threads for more processes, as it has at first. */
  | { threads: boolean }
  /** The time of day is so many milliseconds later, or earlier, than it is. */
  | { clock: number }

interface FileFault {
  name: 'sync-fails' | 'write-fails' | 'full' | 'read-only'
  code: keyof typeof ERRNO
  calls: string[]
  /** Whether no file can be created either. */
  creates?: boolean
}

const ERRNO = { EIO: -5, ENOSPC: -28, EROFS: -30 }
const WRITES = ['writeSync', 'ftruncateSync', 'mkdirSync', 'linkSync', 'symlinkSync', 'renameSync']
const SYNCS = ['fsyncSync', 'fdatasyncSync']
const FILE_FAULTS: FileFault[] = [
  { name: 'sync-fails', code: 'EIO', calls: SYNCS },
  { name: 'write-fails', code: 'EIO', calls: ['writeSync', 'ftruncateSync'] },
  { name: 'full', code: 'ENOSPC', calls: WRITES, creates: true },
  { name: 'read-only', code: 'EROFS', calls: [...WRITES, 'unlinkSync', 'rmdirSync'], creates: true },
]
const SLOTS = 4096

const KEY = 'saboteur'
if (isMainThread) setEnvironmentData(KEY, new SharedArrayBuffer(16 + 4 * SLOTS))
const shared = getEnvironmentData(KEY) as unknown as SharedArrayBuffer
const clock = new Float64Array(shared, 0, 1)
/** The number of the fault that is done to files, from 1. */
const fileFault = new Int32Array(shared, 8, 1)
/** By slot: whether the process is to trap. */
const traps = new Int32Array(shared, 16, SLOTS)

const { now } = Date
Date.now = () => now() + clock[0]!

/** Descriptors of this thread's files: others are sockets and the standard streams. */
const opened = new Set<unknown>()

function fail({ code }: FileFault, syscall: string): never {
  throw Object.assign(new Error(`${code}: ${syscall}`), { code, errno: ERRNO[code], syscall })
}

const presentFault = () => FILE_FAULTS[Atomics.load(fileFault, 0) - 1]

type FileCall = (...args: unknown[]) => unknown
const fileCalls = fs as unknown as Record<string, FileCall>
for (const name of new Set(FILE_FAULTS.flatMap(({ calls }) => calls))) {
  const call = fileCalls[name]!
  fileCalls[name] = (...args) => {
    const fault = presentFault()
    if (fault?.calls.includes(name) && (typeof args[0] === 'string' || opened.has(args[0]))) fail(fault, name)
    return call(...args)
  }
}
for (const name of ['fsync', 'fdatasync'] as const) {
  const call = fs[name]
  fileCalls[name] = (fd, done) => {
    const fault = presentFault()
    if (!fault?.calls.includes(`${name}Sync`)) return call(fd as number, done as fs.NoParamCallback)
    const { code } = fault
    setImmediate(
      done as fs.NoParamCallback,
      Object.assign(new Error(`${code}: ${name}`), { code, errno: ERRNO[code] }),
    )
  }
}
const { openSync, closeSync } = fs
fs.openSync = (path, flags, mode) => {
  const fault = presentFault()
  if (fault?.creates && Number(flags) & fs.constants.O_CREAT && !fs.existsSync(path)) fail(fault, 'openSync')
  const fd = openSync(path, flags, mode)
  opened.add(fd)
  return fd
}
fs.closeSync = fd => {
  opened.delete(fd)
  closeSync(fd)
}

let hasThreads = true
class ScarceWorker extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    if (!hasThreads) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
    super(...args)
  }
}
Object.assign(workerThreads, { Worker: ScarceWorker })
syncBuiltinESMExports()

function obeyMessages(): void {
  const ends = new Map<number, () => unknown>()
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (message: Partial<RunMessage> | undefined, ...rest) {
    const { slot, shared } = message ?? {}
    if (slot !== undefined)
      ends.set(slot, () => (shared ? postMessage.call(this, { killed: slot }) : this.terminate()))
    return postMessage.call(this, message, ...rest)
  }
  process.on('message', (message: Message) => {
    if ('kill' in message) void ends.get(message.kill)!()
    if ('trap' in message) {
      Atomics.store(traps, message.trap, 1)
      if (message.reload) process.kill(process.pid, 'SIGHUP')
    }
    if ('files' in message)
      Atomics.store(fileFault, 0, 1 + FILE_FAULTS.findIndex(({ name }) => name === message.files))
    if ('threads' in message) hasThreads = message.threads
    if ('clock' in message) clock[0] = message.clock
  })
  // The channel must not keep the server running.
  process.channel!.unref()
}

/** Makes each call to the host check whether its process is to trap. */
function watchCalls(): void {
  const { Instance } = WebAssembly
  // The smallest module with a function that traps: (func (export "trap") unreachable)
  const bytes = '0061736d0100000001040160000003020100070801047472617000000a05010300000b'
  const { trap } = new Instance(new WebAssembly.Module(Buffer.from(bytes, 'hex'))).exports

  /** The process that the thread was told to run last. */
  let last: RunMessage = { slot: 0, shared: false }
  parentPort!.on('message', (message: Partial<RunMessage>) => {
    const { slot, shared = false } = message
    if (slot !== undefined) last = { slot, shared }
  })
  const watched =
    (call: FileCall, first: RunMessage) =>
    (...args: unknown[]) => {
      // Processes that share a thread have an instance each, made at once. Those that have it to themselves may use one after the other.
      const { slot } = first.shared ? first : last
      if (Atomics.exchange(traps, slot, 0) === 1) (trap as () => void)()
      return call(...args)
    }
  const watchAll = (calls: WebAssembly.ModuleImports) =>
    Object.fromEntries(
      Object.entries(calls).map(([name, call]) => [
        name,
        typeof call === 'function' ? watched(call as FileCall, last) : call,
      ]),
    )
  const watchedInstance = (module: WebAssembly.Module, imports?: WebAssembly.Imports) =>
    new Instance(
      module,
      imports?.host === undefined || imports.kernel === undefined
        ? imports
        : { ...imports, host: watchAll(imports.host) },
    )
  Object.assign(WebAssembly, {
    Instance: new Proxy(Instance, { construct: (_, [module, imports]) => watchedInstance(module, imports) }),
  })
}

if (isMainThread) obeyMessages()
else watchCalls()
