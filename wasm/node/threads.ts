/**
 * Runs processes on threads: each on one of its own, except that those which mostly wait share one, where the engine can suspend
 * them (JSPI).
 */
import { setTimeout } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { SIGKILL, SIGSEGV, STDERR_FILENO } from '../machine/abi.js'
import type { ClientSocket, MovingSocket } from '../machine/client-socket.js'
import { hasPromiseIntegration } from '../machine/jspi.js'
import { threadHost } from '../machine/kernel.js'
import type { ProcessUse, Scheduler } from '../machine/machine.js'
import type { ProcessMessage, ProcessSetup } from '../machine/process.js'
import type { StackSize } from '../machine/stack.js'
import { exited } from '../machine/wait-status.js'
import type { FileAccess } from './confined-files.js'
import { FileGate, MAIN_SEAT } from './file-gate.js'
import { remove } from './removal.js'
import type { Handle } from './socket-channel.js'
import { nodeSystem } from './system.js'
import { channelOf, type ThreadPool } from './thread-pool.js'
import type {
  KillMessage,
  ModuleAnswer,
  ModuleRequest,
  RunMessage,
  ThreadReport,
  ThreadSetup,
} from './worker.js'

/** Milliseconds that clients have at most to read the last output of their processes when the machine is closed. */
const LAST_OUTPUT = 1000

/** A process for which there is no thread yet. */
interface WaitingProcess {
  readonly slot: number
  readonly program: WebAssembly.Module
  readonly shared: boolean
  readonly client: ClientSocket | undefined
  readonly image: number
}

/** What a thread has got. */
interface Joined {
  readonly programs: WebAssembly.Module[]
  /** Where the data of its last process are: the next one has least to do if its are there, too. */
  image: number | undefined
}

export class Threads implements Scheduler {
  readonly stack: StackSize
  readonly host: ReturnType<typeof threadHost>
  readonly #busy = new Map<number, Worker>()
  /** Slots of processes that run on the shared thread. */
  readonly #sharing = new Set<number>()
  readonly #waiting = new Map<number, WaitingProcess>()
  /** Clients whose sockets have moved to threads, by the machine's socket. */
  readonly #moved = new Map<number, { readonly worker: Worker; readonly socket: MovingSocket }>()
  /** Threads that have got this machine's ThreadSetup, and what else they have. */
  readonly #joined = new WeakMap<Worker, Joined>()
  /** Threads that are being ended. The process may have exited first, but the thread gets no other. */
  readonly #ending = new WeakSet<Worker>()
  readonly #gate: FileGate | undefined
  /** The thread of the processes that share one, once there is one of them. */
  #shared: Promise<Worker> | undefined

  /**
   * @param heard called with every message of a process, the last of which is its exit
   * @param access which files of the computer processes may reach; undefined: all
   * @param pool the threads to use; it is closed with the machine
   */
  constructor(
    readonly setup: ProcessSetup,
    readonly heard: (message: ProcessMessage) => void,
    readonly access: FileAccess | undefined,
    readonly pool: ThreadPool,
  ) {
    this.host = threadHost(setup.memory, nodeSystem.monotonic)
    this.stack = pool.stack
    if (access?.gate !== undefined) this.#gate = new FileGate(access.gate, MAIN_SEAT)
  }

  run(slot: number, program: WebAssembly.Module, use: ProcessUse, image: number): void {
    const shared = use === 'attendant' && hasPromiseIntegration()
    const client = typeof use === 'object' ? use : undefined
    const process = { slot, program, shared, client, image }
    this.#waiting.set(slot, process)
    const suits = (worker: Worker) => this.#joined.get(worker)?.image === image
    const thread = shared ? this.#sharedThread() : this.pool.take(client !== undefined, suits)
    thread.then(
      worker => this.#start(process, worker),
      (error: Error) => this.#waiting.delete(slot) && this.#fail(slot, error),
    )
  }

  kill(slot: number): void {
    if (this.#waiting.delete(slot)) {
      queueMicrotask(() => this.#lost(slot, undefined))
      return
    }
    const worker = this.#busy.get(slot)
    if (worker === undefined || this.#ending.has(worker)) return
    if (this.#sharing.has(slot)) worker.postMessage({ killed: slot } satisfies KillMessage)
    else {
      this.#ending.add(worker)
      void worker.terminate()
    }
  }

  #sharedThread(): Promise<Worker> {
    this.#shared ??= this.pool.take(false).then(worker => {
      worker.on('exit', () => {
        this.#shared = undefined
      })
      return worker
    })
    this.#shared.catch(() => {
      this.#shared = undefined
    })
    return this.#shared
  }

  async changed(word: number, seen: number): Promise<void> {
    const waiting = Atomics.waitAsync(new Int32Array(this.setup.memory.buffer), word >>> 2, seen)
    if (waiting.async) await waiting.value
  }

  async close(): Promise<void> {
    this.#waiting.clear()
    const shared = await this.#shared?.catch(() => undefined)
    for (let waited = 0; this.#sending && waited < LAST_OUTPUT; waited += 5) await setTimeout(5)
    await Promise.all([
      this.pool.close(),
      shared?.terminate(),
      ...[...this.#busy.values()].map(worker => worker.terminate()),
    ])
  }

  /** Whether threads still send clients the last output of processes that have ended. */
  get #sending(): boolean {
    const busy = new Set(this.#busy.values())
    return [...this.#moved.values()].some(({ worker }) => !busy.has(worker))
  }

  #start(process: WaitingProcess, worker: Worker): void {
    const { slot, shared, client } = process
    if (this.#waiting.get(slot) !== process) {
      if (!shared) this.pool.put(worker)
      return
    }
    this.#waiting.delete(slot)
    this.#busy.set(slot, worker)
    if (shared) this.#sharing.add(slot)
    const joined = this.#joined.get(worker) ?? this.#join(worker)
    joined.image = process.image
    const program = joined.programs.indexOf(process.program)
    const known = program < 0 ? joined.programs.push(process.program) - 1 : program
    worker.postMessage({
      ...{ slot, shared, program: known, newProgram: program < 0 ? process.program : undefined },
      ...(client !== undefined && this.#move(worker, client)),
    } satisfies RunMessage)
    this.heard({ type: 'running', slot })
  }

  /** Passes the client's socket to the thread of its process, if both can. */
  #move(worker: Worker, client: ClientSocket): Partial<RunMessage> | undefined {
    const channel = channelOf(worker)
    const socket = channel?.open === true ? client.onMove() : undefined
    if (channel === undefined || socket === undefined) return undefined
    this.#moved.set(client.fd, { worker, socket })
    const { passed, handle, statements } = socket
    channel.pass(handle as Handle).then(passed, passed)
    return { client: client.fd, statements }
  }

  #join(worker: Worker): Joined {
    const joined = { programs: [], image: undefined }
    this.#joined.set(worker, joined)
    const written = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    let failure: Error | undefined
    worker.on('message', (message: ThreadReport) => {
      if (message.type === 'module') return this.#answer(worker, message)
      if (message.type === 'left') return this.#left(message.client)
      if (message.type === 'discarded') return void remove(message.folder)
      if (message.type === 'exit') this.#free(message.slot, worker)
      try {
        this.heard(message)
      } finally {
        // The process waits for this, also if the function for the log has thrown.
        if (message.type === 'log') {
          Atomics.add(written, 0, 1)
          Atomics.notify(written, 0)
        }
      }
    })
    worker.on('error', error => {
      failure = error
    })
    const gate = this.#gate
    const seat = gate?.newSeat()
    worker.on('exit', () => {
      if (seat !== undefined) gate?.freeSeat(seat)
      for (const [client, moved] of this.#moved) if (moved.worker === worker) this.#left(client)
      for (const [slot, busy] of this.#busy) if (busy === worker) this.#lost(slot, failure)
    })
    const { modules: _, ...setup } = this.setup
    worker.postMessage({ ...setup, access: this.access, seat, written } satisfies ThreadSetup)
    return joined
  }

  #answer(worker: Worker, { slot, name, answered }: ModuleRequest): void {
    let module: WebAssembly.Module | undefined
    try {
      module = this.setup.modules.get(name)
    } catch (error) {
      this.#log(slot, `cannot compile module "${name}": ${(error as Error).message}`)
    }
    worker.postMessage({ module } satisfies ModuleAnswer)
    Atomics.store(answered, 0, 1)
    Atomics.notify(answered, 0)
  }

  #log(slot: number, text: string): void {
    this.heard({ type: 'log', slot, stream: STDERR_FILENO, bytes: Buffer.from(`${text}\n`) })
  }

  /** Ends a process for which no thread could be started. It has not run, so it ends as by exit(1), and not as crashed. */
  #fail(slot: number, error: Error): void {
    this.#log(slot, `cannot start a thread for a process: ${error.message}`)
    this.heard({ type: 'exit', slot, status: exited(1) })
  }

  /** Reports the end of a process whose thread has ended, or that was killed before it had one. */
  #lost(slot: number, failure: Error | undefined): void {
    this.#busy.delete(slot)
    this.#sharing.delete(slot)
    if (failure !== undefined) this.#log(slot, `thread ended: ${failure.message}`)
    this.heard({ type: 'exit', slot, status: failure === undefined ? SIGKILL : SIGSEGV })
  }

  /** The thread has ended the connection to the client. */
  #left(client: number): void {
    const moved = this.#moved.get(client)
    this.#moved.delete(client)
    moved?.socket.ended()
  }

  #free(slot: number, worker: Worker): void {
    this.#busy.delete(slot)
    if (this.#sharing.delete(slot)) return
    if (!this.#ending.has(worker)) this.pool.put(worker)
  }
}
