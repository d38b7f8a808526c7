/**
 * The machine that processes run on: one memory, one kernel, and a scheduler that runs the processes. It answers the kernel's
 * requests to the host: start a process, kill one, post an alarm, handle a socket's events.
 */
import {
  HOST_SLOT,
  PAGE_SIZE,
  PROC_RUNNING,
  STDOUT_FILENO,
  WORK_KILL,
  WORK_SOCKET,
  WORK_SPAWN,
  WORK_TIMER,
} from './abi.js'
import { boot, type FirstProcess, spawn } from './boot.js'
import type { ClientSocket } from './client-socket.js'
import type { KernelExports, KernelHost } from './kernel.js'
import type { LoadableModules } from './loadable-modules.js'
import { LogCollector, type LogSink } from './log-collector.js'
import { LinearMemory, newMemory } from './memory.js'
import type { ProcessMessage, ProcessSetup } from './process.js'
import { imageSize } from './program.js'
import type { StackSize } from './stack.js'

/**
 * What a process is for: the client of this socket; it is an attendant (c/kernel/kernel.h), so that it may share a thread with others
 * of this kind; or it computes.
 */
export type ProcessUse = ClientSocket | 'attendant' | 'work'

/** Runs processes, on threads of their own or as coroutines of one. */
export interface Scheduler {
  readonly stack: StackSize
  /** What the machine's own instance of the kernel imports. */
  readonly host: KernelHost
  /**
   * Runs the process of this slot, an instance of this program. Its last message is its exit.
   *
   * @param use what the process is for, as far as it decides where it runs
   * @param image the address of its data
   */
  run(slot: number, program: WebAssembly.Module, use: ProcessUse, image: number): void
  /** Ends a process, whatever it is doing. Its exit is reported like any other. */
  kill(slot: number): void
  /** Resolves when the word at this address is no longer `seen`, and has been notified. */
  changed(word: number, seen: number): Promise<void>
  /** Ends all processes. Resolves when they have ended. */
  close(): Promise<void>
}

/** Makes a scheduler, which calls `heard` with every message of a process. */
export type StartScheduler = (setup: ProcessSetup, heard: (message: ProcessMessage) => void) => Scheduler

export interface MachineOptions {
  scheduler: StartScheduler
  kernel: WebAssembly.Module
  /** The program of the first process. */
  first: WebAssembly.Module
  /** The program of all processes that other processes start. */
  program: WebAssembly.Module
  /** The modules that processes can load. */
  modules: LoadableModules
  /** The memory's limit, in pages of 64 KiB. Default: the 4 GiB that 32 bits can address. */
  maximumPages?: number | undefined
  /** Whether the modules are for a memory that threads can share. Default: yes. */
  shared?: boolean | undefined
  /** Slots in the process table: processes at a time, and the host. */
  maxProcesses: number
  environment: Readonly<Record<string, string>>
  /** Whether processes have the standard streams of this Node process. */
  ownStreams?: boolean
  /** Called with what processes write to their standard error, mostly log entries; see log-collector.ts. */
  onLog: LogSink
  /** Called with what processes write to their standard output. Default: onLog gets it. */
  onOutput?(bytes: Uint8Array): void
  /** Called when a process reports its state, in the form of sd_notify(3). */
  onState(slot: number, state: string): void
  /** Called when a process is being started. */
  onStart?(slot: number, args: readonly string[]): void
  /** Called when a process that is being started has got a thread, unless it has ended before. */
  onRunning?(slot: number): void
  /** Called when a process has ended. */
  onEnd?(slot: number): void
  /** A client's socket, by the descriptor that its process has. Default: no process has a client. */
  clientSocket?(fd: number): ClientSocket | undefined
  /** Called with the events of a socket: bits such as SOCKET_OUTPUT. */
  onSocket(fd: number, events: number): void
}

/** A running process. */
export interface ProcessStatus {
  readonly pid: number
  readonly args: readonly string[]
  /** Bytes of linear memory that belong to it alone. */
  readonly memory: number
}

export class Machine {
  readonly memory: LinearMemory
  readonly kernel: KernelExports
  readonly #scheduler: Scheduler
  readonly #exits = new Map<number, (status: number) => void>()
  #first = 0
  readonly #log: LogCollector
  #timer: ReturnType<typeof setTimeout> | undefined
  #running = true

  constructor(readonly options: MachineOptions) {
    const { kernel, modules, environment, ownStreams = false } = options
    const setup = { kernel, modules, environment, ownStreams }
    const memory = newMemory(options.maxProcesses, options.maximumPages, options.shared)
    const data = Math.max(imageSize(options.first).data, imageSize(options.program).data)
    this.memory = new LinearMemory(memory)
    this.#log = new LogCollector(options.onLog)
    this.#scheduler = options.scheduler({ memory, ...setup }, message => this.#hear(message))
    const { host, stack } = this.#scheduler
    this.kernel = boot(options.kernel, memory, host, { processes: options.maxProcesses, data, stack })
    void this.#serve()
  }

  /**
   * Starts the first process.
   *
   * @returns its slot, and a promise of its wait status
   * @throws CommandLineError; the machine is closed then
   */
  spawn(first: FirstProcess): { slot: number; exited: Promise<number> } {
    try {
      const slot = spawn(this.kernel, this.memory, first)
      this.#first = slot
      return { slot, exited: new Promise(resolve => this.#exits.set(slot, resolve)) }
    } catch (error) {
      void this.close()
      throw error
    }
  }

  /** Ends all processes and frees their threads. */
  async close(): Promise<void> {
    this.#running = false
    clearTimeout(this.#timer)
    await this.#scheduler.close()
  }

  /** Answers the kernel's requests until the machine is closed. */
  async #serve(): Promise<void> {
    const word = this.kernel.word()
    while (this.#running) {
      const seen = Atomics.load(new Int32Array(this.memory.memory.buffer), word >>> 2)
      const work = this.kernel.work()
      if (work === 0) await this.#scheduler.changed(word, seen)
      else this.#do(work)
    }
  }

  #do(work: number): void {
    if (work & WORK_SPAWN) this.#startProcesses()
    if (work & WORK_KILL) this.#killProcess()
    if (work & WORK_TIMER) this.#postAlarms()
    if (work & WORK_SOCKET) this.#handleSockets()
  }

  #handleSockets(): void {
    for (let fd = this.kernel.next_socket(); fd > 0; fd = this.kernel.next_socket())
      this.options.onSocket(fd, this.kernel.socket_events(fd))
  }

  #startProcesses(): void {
    for (let slot = this.kernel.next_embryo(); slot > 0; slot = this.kernel.next_embryo()) {
      const args = this.#argumentsOf(slot)
      this.options.onStart?.(slot, args)
      const program = slot === this.#first ? this.options.first : this.options.program
      this.#scheduler.run(slot, program, this.#useOf(slot), this.kernel.image(slot))
    }
  }

  #useOf(slot: number): ProcessUse {
    const client = this.options.clientSocket?.(this.kernel.sys_client(slot))
    client?.backendStarts()
    return client ?? (this.kernel.attendant(slot) !== 0 ? 'attendant' : 'work')
  }

  #argumentsOf(slot: number): string[] {
    const length = this.kernel.argc(slot)
    return Array.from({ length }, (_, index) => this.memory.string(this.kernel.argument(slot, index)))
  }

  /** Signals the process with this PID. Returns whether there is one. */
  kill(pid: number, signal: number): boolean {
    for (let slot = HOST_SLOT + 1; slot < this.options.maxProcesses; slot++)
      if (this.kernel.state(slot) === PROC_RUNNING && this.kernel.pid(slot) === pid)
        return this.kernel.kill(slot, signal) === 0
    return false
  }

  /** The running processes, in the order of their slots. */
  *processes(): Generator<ProcessStatus> {
    for (const slot of this.#runningSlots()) {
      const memory = this.kernel.pages(slot) * PAGE_SIZE
      yield { pid: this.kernel.pid(slot), args: this.#argumentsOf(slot), memory }
    }
  }

  /** Bytes of linear memory that the running processes have each for themselves. */
  get processMemory(): number {
    let pages = 0
    for (const slot of this.#runningSlots()) pages += this.kernel.pages(slot)
    return pages * PAGE_SIZE
  }

  *#runningSlots(): Generator<number> {
    for (let slot = HOST_SLOT + 1; slot < this.options.maxProcesses; slot++)
      if (this.kernel.state(slot) === PROC_RUNNING) yield slot
  }

  #write({ slot, stream, bytes }: ProcessMessage & { type: 'log' }): void {
    if (stream === STDOUT_FILENO && this.options.onOutput !== undefined) this.options.onOutput(bytes)
    else this.#log.add(slot, bytes)
  }

  /** Kills one process. The next one is killed after this one's exit. */
  #killProcess(): void {
    const slot = this.kernel.next_killed()
    if (slot > 0) this.#scheduler.kill(slot)
  }

  #postAlarms(): void {
    clearTimeout(this.#timer)
    const { now } = this.#scheduler.host
    const next = this.kernel.post_alarms(now())
    if (next > 0) this.#timer = setTimeout(() => this.#postAlarms(), Math.max(1, next - now()))
  }

  #hear(message: ProcessMessage): void {
    if (message.type === 'log') this.#write(message)
    else if (message.type === 'state') this.options.onState(message.slot, message.state)
    else if (message.type === 'running') this.options.onRunning?.(message.slot)
    else {
      this.#log.end(message.slot)
      this.options.onEnd?.(message.slot)
      this.kernel.exited(message.slot, message.status)
      this.#exits.get(message.slot)?.(message.status)
      this.#exits.delete(message.slot)
      this.#killProcess()
      // A killed process may have made a request without waking this thread.
      if (this.#running) this.#do(this.kernel.work())
    }
  }
}
