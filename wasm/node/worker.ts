/**
 * The code of a thread. It runs one process after another, and blocks where the process waits; or it runs several that share it as
 * coroutines, which are suspended where they wait. It sends messages to the main thread.
 */
import { writeSync } from 'node:fs'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Coroutine } from '../machine/coroutine.js'
import { errnoOf } from '../machine/host/errno.js'
import type { FileLayer } from '../machine/host/file-layer.js'
import { instantiateKernel, type KernelExports, threadHost } from '../machine/kernel.js'
import { LinearMemory } from '../machine/memory.js'
import { Process, type ProcessHost, type ProcessMessage, type ProcessSetup } from '../machine/process.js'
import { confinedFiles, type FileAccess } from './confined-files.js'
import { nodeFiles } from './files.js'
import { OwnClientKernel } from './own-client.js'
import { OwnStreams } from './own-streams.js'
import { SocketReceiver } from './socket-channel.js'
import { nodeSystem } from './system.js'
import { ThreadSleeper } from './thread-sleeper.js'

/** From the main thread: run the process of this slot, an instance of this program. */
export interface RunMessage {
  readonly slot: number
  /** The number of the program among those that this thread has got. */
  readonly program: number
  /** The program, if the thread has not got it before. */
  readonly newProgram?: WebAssembly.Module | undefined
  /** Whether others run on this thread as well. */
  readonly shared: boolean
  /** The client's socket in the machine, if the thread gets the system's through its channel. */
  readonly client?: number
  /** With `client`: what counts its statements. */
  readonly statements?: BigInt64Array | undefined
}

/** To the main thread: the connection to the process' client, whose socket this thread has got, has ended. */
export interface LeftMessage {
  readonly type: 'left'
  /** The client's socket in the machine. */
  readonly client: number
}

/** To the main thread: remove this folder, for which nobody waits. */
export interface DiscardMessage {
  readonly type: 'discarded'
  readonly folder: string
}

/** To the main thread, from one in which processes run. */
export type ThreadReport = ProcessMessage | ModuleRequest | LeftMessage | DiscardMessage

/** From the main thread: end this one of the processes that share the thread. */
export interface KillMessage {
  readonly killed: number
}

/** The first message from the main thread: the machine of the thread's processes. */
export interface ThreadSetup extends Omit<ProcessSetup, 'modules'> {
  /** Which files of the computer processes may reach; undefined: all. */
  readonly access: FileAccess | undefined
  /** The thread's at the gate of `access`. */
  readonly seat: number | undefined
  /** One number: how many log messages of this thread the main thread has written. */
  readonly written: Int32Array
}

/** To the main thread: a process needs a loadable module. The thread waits for a ModuleAnswer. */
export interface ModuleRequest {
  readonly type: 'module'
  readonly slot: number
  readonly name: string
  /** One number, which the main thread sets to 1 when it has sent the answer. */
  readonly answered: Int32Array
}

export interface ModuleAnswer {
  readonly module: WebAssembly.Module | undefined
}

type ThreadMessage = RunMessage | KillMessage

class Thread {
  readonly #memory: LinearMemory
  readonly #kernel: KernelExports
  readonly #files: FileLayer
  readonly #modules = new Map<string, WebAssembly.Module>()
  readonly #coroutines = new Map<number, Coroutine>()
  /** Messages that came while the thread waited for a module. */
  readonly #kept: ThreadMessage[] = []
  readonly #programs: WebAssembly.Module[] = []
  /** The process that is alone on this thread, or was last. */
  #alone: Process | undefined
  /** The same, if the thread has its client's socket. */
  #aloneWithClient: Process | undefined
  /** The slot of the process that is alone, and its client's socket in the machine. */
  #slot = 0
  #client = -1
  #ownClientKernel: OwnClientKernel | undefined
  /** How many log messages this thread has sent. */
  #logged = 0

  constructor(
    readonly setup: ThreadSetup,
    readonly port: MessagePort,
    readonly sockets: SocketReceiver | undefined,
  ) {
    this.#memory = new LinearMemory(setup.memory)
    this.#kernel = instantiateKernel(
      setup.kernel,
      setup.memory,
      threadHost(setup.memory, nodeSystem.monotonic),
    )
    this.#files = this.#newFiles()
  }

  hear(message: ThreadMessage): void {
    if ('killed' in message) this.#coroutines.get(message.killed)?.kill()
    else this.#run(message)
  }

  #newFiles(): FileLayer {
    const { access, seat } = this.setup
    const discard = (folder: string) => this.#tell({ type: 'discarded', folder })
    return access === undefined ? nodeFiles() : confinedFiles(access, seat, discard)
  }

  #run(message: RunMessage): void {
    if (message.newProgram !== undefined) this.#programs[message.program] = message.newProgram
    const program = this.#programs[message.program]!
    if (message.shared) void this.#runShared(message.slot, program)
    else if (message.client !== undefined) void this.#runWithClient(message, program, message.client)
    else this.#runAlone(message.slot, program)
  }

  /** Runs the process to its end, while others run. */
  async #runShared(slot: number, program: WebAssembly.Module): Promise<void> {
    const { setup } = this
    const coroutine = new Coroutine(slot, program, {
      processes: { ...setup, modules: { get: name => this.#module(slot, name) } },
      memory: this.#memory,
      sleepers: new ThreadSleeper(this.#memory),
      host: { system: nodeSystem, files: () => this.#newFiles() },
      heard: message => this.#tell(message),
    })
    this.#coroutines.set(slot, coroutine)
    const status = await coroutine.run()
    this.#coroutines.delete(slot)
    this.#tell({ type: 'exit', slot, status })
  }

  /** Runs the process to its end. The thread blocks where it waits. */
  #runAlone(slot: number, program: WebAssembly.Module): void {
    this.#take(slot)
    if (this.#alone?.program !== program || !this.#alone.become(slot))
      this.#alone = new Process(slot, program, this.#processHost(this.#kernel))
    const status = this.#alone.run()
    this.#tell({ type: 'exit', slot, status })
  }

  /** Runs the process to its end, suspended while it waits: then the thread reads and writes its client's socket. */
  async #runWithClient(
    { slot, statements }: RunMessage,
    program: WebAssembly.Module,
    fd: number,
  ): Promise<void> {
    this.#take(slot)
    this.#ownClientKernel ??= new OwnClientKernel(this.setup.kernel, this.#memory)
    const client = this.#ownClientKernel.next({
      slot,
      fd,
      statements,
      event: this.#kernel.event(slot) >>> 0,
      left: () => this.#tell({ type: 'left', client: fd }),
    })
    void this.sockets!.next().then(handle => client.connect(handle))
    if (this.#aloneWithClient?.program !== program || !this.#aloneWithClient.become(slot)) {
      const { exports, read } = this.#ownClientKernel
      this.#aloneWithClient = new Process(slot, program, this.#processHost(exports, read))
    }
    const status = await this.#aloneWithClient.runSuspended()
    client.end()
    this.#tell({ type: 'exit', slot, status })
  }

  #take(slot: number): void {
    this.#slot = slot
    this.#client = this.#kernel.sys_client(slot)
  }

  /** For all processes that are alone on this thread, one after the other. */
  #processHost(kernel: KernelExports, read?: WebAssembly.ImportValue): ProcessHost {
    const { ownStreams, environment } = this.setup
    const own = ownStreams ? new OwnStreams(() => this.#kernel.signalled(this.#slot) !== 0) : undefined
    return {
      memory: this.#memory,
      kernel,
      modules: { get: name => this.#module(this.#slot, name) },
      environment,
      system: nodeSystem,
      files: own?.files(this.#files) ?? this.#files,
      streams: own ?? { write: (stream, bytes) => this.#log(this.#slot, stream, bytes) },
      client: this.#clientImports(kernel, read),
      notifyState: state => this.#tell({ type: 'state', slot: this.#slot, state }),
      reuses: true,
    }
  }

  #tell(message: ThreadReport): void {
    this.port.postMessage(message)
  }

  #log(slot: number, stream: number, bytes: Uint8Array): void {
    this.#logged++
    this.#tell({ type: 'log', slot, stream, bytes })
  }

  /** Waits until the main thread has written all log messages of this thread: a client must not get its answer before. */
  #untilWritten(): void {
    for (;;) {
      const written = Atomics.load(this.setup.written, 0)
      if (written === (this.#logged | 0)) return
      Atomics.wait(this.setup.written, 0, written)
    }
  }

  /**
   * The imports for the client's bytes, on the process' end of the rings. If the host has lent the system's socket, output goes
   * directly there as long as the socket takes it. If the thread itself has the socket, a read may suspend the process.
   */
  #clientImports(kernel: KernelExports, read?: WebAssembly.ImportValue): ProcessHost['client'] {
    return {
      pglite_js_read:
        read ??
        ((buffer: number, length: number) => kernel.sys_recv(this.#slot, this.#client, buffer, length)),
      pglite_js_write: (buffer: number, length: number) => {
        this.#untilWritten()
        const descriptor = kernel.sys_direct_begin(this.#client)
        if (descriptor >= 0) {
          const sent = this.#send(descriptor, buffer >>> 0, length)
          kernel.sys_direct_end(this.#client, Math.max(sent, 0))
          if (sent !== 0) return sent
        }
        return kernel.sys_send(this.#slot, this.#client, buffer, length)
      },
    }
  }

  /** Returns how many bytes the system's socket has taken without waiting, or a negated errno. */
  #send(descriptor: number, buffer: number, length: number): number {
    try {
      return writeSync(descriptor, this.#memory.reach(buffer + length), buffer, length)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : -errnoOf(error)
    }
  }

  /** Gets a module from the main thread, which compiles it if it is the first to be asked. */
  #module(slot: number, name: string): WebAssembly.Module | undefined {
    const known = this.#modules.get(name)
    if (known !== undefined) return known
    const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    this.#tell({ type: 'module', slot, name, answered })
    Atomics.wait(answered, 0, 0)
    const { module } = this.#answer()
    if (module !== undefined) this.#modules.set(name, module)
    return module
  }

  /** Receives the main thread's answer, which has been sent. Keeps messages that were sent before it, to be handled later. */
  #answer(): ModuleAnswer {
    for (;;) {
      const message: ThreadMessage | ModuleAnswer = receiveMessageOnPort(this.port)!.message
      if ('module' in message) return message
      if (this.#kept.push(message) === 1) setImmediate(() => this.#hearKept())
    }
  }

  #hearKept(): void {
    for (const message of this.#kept.splice(0)) this.hear(message)
  }
}

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
let thread: Thread | undefined
const sockets = workerData === undefined ? undefined : new SocketReceiver(workerData as string)
port.on('message', (message: ThreadSetup | ThreadMessage) => {
  if ('memory' in message) {
    thread = new Thread(message, port, sockets)
  } else thread?.hear(message)
})

/** ThreadPool waits for this message. */
port.postMessage('ready')
