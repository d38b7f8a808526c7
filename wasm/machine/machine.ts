/**
 * The machine that processes run on: one memory, one kernel, and a scheduler that runs them. This is where the kernel's
 * requests to the host are answered: start a process, end one by force, post an alarm.
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
import type { KernelExports, KernelHost } from './kernel.js'
import type { LoadableModules } from './loadable-modules.js'
import { LogCollector, type LogSink } from './log-collector.js'
import { LinearMemory, newMemory } from './memory.js'
import type { ProcessMessage, ProcessSetup } from './process.js'
import { imageSize } from './program.js'

/** Runs processes, on threads of their own or as coroutines of one. */
export interface Scheduler {
  /** How deep a process may recurse, in bytes of C stack. */
  readonly depth: number
  /** For the machine's own instance of the kernel. */
  readonly host: KernelHost
  /**
   * Run the process of this slot, an instance of this program.
   *
   * @param forClient whether it has a client, who waits for it
   */
  run(slot: number, program: WebAssembly.Module, forClient: boolean): void
  /** End a process, whatever it is doing. Its exit is heard like any other. */
  kill(slot: number): void
  /** Resolves when the word at this address has been notified and is no longer `seen`. */
  changed(word: number, seen: number): Promise<void>
  /** End all processes. Resolves when they have ended. */
  close(): Promise<void>
}

/** Makes a scheduler, which calls `heard` with every message of a process. */
export type StartScheduler = (setup: ProcessSetup, heard: (message: ProcessMessage) => void) => Scheduler

export interface MachineOptions {
  scheduler: StartScheduler
  kernel: WebAssembly.Module
  /** What the first process is an instance of. */
  first: WebAssembly.Module
  /** What the processes are that other processes start. */
  program: WebAssembly.Module
  /** What processes can load. */
  modules: LoadableModules
  /** How large the memory may become, in pages of 64 KiB; by default as large as 32 bits can address. */
  maximumPages?: number | undefined
  /** At most so many processes at a time. */
  maxProcesses: number
  environment: Readonly<Record<string, string>>
  /** Whether processes have the standard streams of this Node process. */
  ownStreams?: boolean
  /** Something a process has written to its standard error, an entry of the log mostly; see log-collector.ts. */
  onLog: LogSink
  /** The same of its standard output. By default it is taken for a part of the log. */
  onOutput?(bytes: Uint8Array): void
  /** What a process tells about its state, in the words of sd_notify(3). */
  onState(slot: number, state: string): void
  /** A process is being started. */
  onStart?(slot: number, args: readonly string[]): void
  /** One that was started has ended. */
  onEnd?(slot: number): void
  /** Something has happened to a socket; the bits are SOCKET_OUTPUT and its like. */
  onSocket(fd: number, events: number): void
}

/** A process that lives. */
export interface ProcessStatus {
  readonly pid: number
  readonly args: readonly string[]
  /** Bytes of linear memory that it alone has. */
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
    const memory = newMemory(options.maximumPages)
    const data = Math.max(imageSize(options.first).data, imageSize(options.program).data)
    this.memory = new LinearMemory(memory)
    this.#log = new LogCollector(options.onLog)
    this.#scheduler = options.scheduler({ memory, ...setup }, message => this.#hear(message))
    const { host, depth } = this.#scheduler
    this.kernel = boot(options.kernel, memory, host, { processes: options.maxProcesses, data, depth })
    void this.#serve()
  }

  /**
   * Starts the first process. Returns its slot, and its wait status once it has exited.
   *
   * @throws CommandLineError, and then the machine is closed
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

  /** Ends all processes and frees what they ran on. */
  async close(): Promise<void> {
    this.#running = false
    clearTimeout(this.#timer)
    await this.#scheduler.close()
  }

  /** Answers the kernel until the machine is closed. */
  async #serve(): Promise<void> {
    const word = this.kernel.word()
    const words = new Int32Array(this.memory.memory.buffer)
    while (this.#running) {
      const seen = Atomics.load(words, word >>> 2)
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
      this.options.onStart?.(slot, this.#argumentsOf(slot))
      const program = slot === this.#first ? this.options.first : this.options.program
      this.#scheduler.run(slot, program, this.kernel.sys_client(slot) >= 0)
    }
  }

  #argumentsOf(slot: number): string[] {
    const length = this.kernel.argc(slot)
    return Array.from({ length }, (_, index) => this.memory.string(this.kernel.argument(slot, index)))
  }

  /** Signals the process that has this pid. Returns whether there is one. */
  kill(pid: number, signal: number): boolean {
    for (let slot = HOST_SLOT + 1; slot < this.options.maxProcesses; slot++)
      if (this.kernel.state(slot) === PROC_RUNNING && this.kernel.pid(slot) === pid)
        return this.kernel.kill(slot, signal) === 0
    return false
  }

  /** What lives now, by slot. */
  *processes(): Generator<ProcessStatus> {
    for (let slot = HOST_SLOT + 1; slot < this.options.maxProcesses; slot++) {
      if (this.kernel.state(slot) !== PROC_RUNNING) continue
      yield {
        pid: this.kernel.pid(slot),
        args: this.#argumentsOf(slot),
        memory: this.kernel.pages(slot) * PAGE_SIZE,
      }
    }
  }

  #write({ slot, stream, bytes }: ProcessMessage & { type: 'log' }): void {
    if (stream === STDOUT_FILENO && this.options.onOutput !== undefined) this.options.onOutput(bytes)
    else this.#log.add(slot, bytes)
  }

  /** One at a time: the next once this one's exit has been heard. */
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
    else {
      this.#log.end(message.slot)
      this.options.onEnd?.(message.slot)
      this.kernel.exited(message.slot, message.status)
      this.#exits.get(message.slot)?.(message.status)
      this.#exits.delete(message.slot)
      this.#killProcess()
      // One that was ended by force may have asked for something without having come to wake this thread.
      if (this.#running) this.#do(this.kernel.work())
    }
  }
}
