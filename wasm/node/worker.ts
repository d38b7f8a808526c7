/**
 * The thread of a process. It runs one process after another, each an instance of the program; while one runs, the
 * thread blocks where the process does. What it has to say goes to the main thread as messages.
 */
import { writeSync } from 'node:fs'
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { clockImports } from '../machine/host/clock.js'
import { errnoOf } from '../machine/host/errno.js'
import { fileImports } from '../machine/host/files.js'
import { processImports } from '../machine/host/process.js'
import { randomImports } from '../machine/host/random.js'
import { instantiateKernel, threadHost } from '../machine/kernel.js'
import { LinearMemory } from '../machine/memory.js'
import { instantiateProcess, type ProcessMessage, type ProcessSetup, waitStatus } from '../machine/process.js'
import { confinedFiles, type FileAccess } from './confined-files.js'
import { nodeFiles } from './files.js'
import { OwnStreams } from './own-streams.js'
import { nodeSystem } from './system.js'

/** What the main thread asks of a worker: run the process of this slot. */
export interface RunMessage {
  readonly slot: number
  readonly program: WebAssembly.Module
}

/** What a thread is told first, once: the machine that its processes are on. */
export interface ThreadSetup extends Omit<ProcessSetup, 'modules'> {
  /** Which of the machine's files processes may reach; undefined: all. */
  readonly access: FileAccess | undefined
  /** One number, of how many log messages of this thread have been written. */
  readonly written: Int32Array
}

/** A process needs a loadable module, and its thread waits until it has that: see ModuleAnswer. */
export interface ModuleRequest {
  readonly type: 'module'
  readonly slot: number
  readonly name: string
  /** One number, which the main thread sets once it has answered by a message. */
  readonly answered: Int32Array
}

export interface ModuleAnswer {
  readonly module: WebAssembly.Module | undefined
}

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const tell = (message: ProcessMessage | ModuleRequest) => port.postMessage(message)

/** Returns what runs a process on this thread. */
function processRunner(setup: ThreadSetup): (message: RunMessage) => void {
  const memory = new LinearMemory(setup.memory)
  const kernel = instantiateKernel(setup.kernel, setup.memory, threadHost(setup.memory, nodeSystem.monotonic))
  let slot = 0
  /** Log messages of this thread, of all its processes. */
  let logged = 0
  const known = new Map<string, WebAssembly.Module>()
  const modules = { get: (name: string) => known.get(name) ?? fetchModule(name) }
  const own = setup.ownStreams ? new OwnStreams(signalled) : undefined
  const files =
    own?.files(nodeFiles()) ?? (setup.access === undefined ? nodeFiles() : confinedFiles(setup.access))

  const host: WebAssembly.ModuleImports = {
    ...fileImports(memory, files, own ?? { write: log }),
    ...clockImports(nodeSystem),
    ...randomImports(memory),
    ...processImports(memory, {
      environment: setup.environment,
      find: nodeSystem.find,
      group: nodeSystem.group,
      notifyState: state => tell({ type: 'state', slot, state }),
    }),
  }

  function log(stream: number, bytes: Uint8Array): void {
    logged++
    tell({ type: 'log', slot, stream, bytes })
  }

  /** A client hears no more before what was logged is in the log, as where a process writes its own. */
  function untilWritten(): void {
    for (;;) {
      const written = Atomics.load(setup.written, 0)
      if (written === (logged | 0)) return
      Atomics.wait(setup.written, 0, written)
    }
  }

  /** Runs the process to its end and returns its wait status. */
  function run(module: WebAssembly.Module): number {
    const client = clientImports(kernel.sys_client(slot))
    try {
      const program = instantiateProcess(memory, kernel, modules, slot, module, client, host)
      program.process_main(kernel.argc(slot), kernel.argv(slot))
      return 0
    } catch (error) {
      return waitStatus(error, kernel.pid(slot), bytes => log(2, bytes))
    } finally {
      own?.end()
      files.closeAll()
    }
  }

  /** Gets a module from the main thread, which compiles it if it is the first to be asked. */
  function fetchModule(name: string): WebAssembly.Module | undefined {
    const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    tell({ type: 'module', slot, name, answered })
    Atomics.wait(answered, 0, 0)
    const { module }: ModuleAnswer = receiveMessageOnPort(port!)!.message
    if (module !== undefined) known.set(name, module)
    return module
  }

  /** Whether there are signals that the process can handle now: c/kernel/kernel.h, struct signals. */
  function signalled(): boolean {
    const at = kernel.sys_signals(slot) >>> 0
    const [pending = 0, blocked = 0, ignored = 0] = new Uint32Array(memory.memory.buffer, at, 3)
    return (pending & ~blocked & ~ignored) !== 0
  }

  /**
   * The client's bytes: this process' end of the rings. Output goes straight to the system's socket where the host has
   * lent it and it takes more.
   */
  function clientImports(client: number) {
    const self = slot
    return {
      pglite_js_read: (buffer: number, length: number) => kernel.sys_recv(self, client, buffer, length),
      pglite_js_write(buffer: number, length: number) {
        untilWritten()
        const descriptor = kernel.sys_direct_begin(client)
        if (descriptor >= 0) {
          const sent = send(descriptor, buffer >>> 0, length)
          kernel.sys_direct_end(client, Math.max(sent, 0))
          if (sent !== 0) return sent
        }
        return kernel.sys_send(self, client, buffer, length)
      },
    }
  }

  /** Returns how many bytes the system's socket took without waiting, or a negated errno. */
  function send(descriptor: number, buffer: number, length: number): number {
    try {
      return writeSync(descriptor, memory.reach(buffer + length), buffer, length)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : -errnoOf(error)
    }
  }

  return message => {
    slot = message.slot
    tell({ type: 'exit', slot, status: run(message.program) })
  }
}

let run: ((message: RunMessage) => void) | undefined
port.on('message', (message: ThreadSetup | RunMessage) => {
  if ('memory' in message) run = processRunner(message)
  else run?.(message)
})

/** What ThreadPool waits for. */
port.postMessage('ready')
