/**
 * All processes on the caller's thread: each is a coroutine of the engine's (JSPI), which is suspended where the process
 * waits. For hosts without threads, such as Cloudflare Workers.
 *
 * A process goes on in a microtask once it is woken. So that processes which wake each other for ever still leave time for
 * what comes from outside, every so often one goes on in a new turn of the event loop instead.
 *
 * A process that computes gives way by itself after so many interrupt checks (c/posix/signals.c). How many that are is
 * found out by the clock, but only after the turn is over, for in some hosts the clock stands still during execution.
 */
import { clockImports } from './host/clock.js'
import { errno } from './host/errno.js'
import type { FileLayer } from './host/file-layer.js'
import { fileImports } from './host/files.js'
import { ProcessExit, processImports } from './host/process.js'
import { randomImports } from './host/random.js'
import type { System } from './host/system.js'
import { promiseIntegration } from './jspi.js'
import { instantiateKernel, type KernelHost, Wait } from './kernel.js'
import type { Scheduler } from './machine.js'
import { LinearMemory } from './memory.js'
import { instantiateProcess, type ProcessMessage, type ProcessSetup, SIGKILL, waitStatus } from './process.js'
import { CALLER_DEPTH } from './stack.js'

/** Milliseconds after which a process that computes should let others run; they all together, if there are several. */
const SLICE = 10
/** Interrupt checks between two of its turns. Between two checks there may be nanoseconds, or a millisecond. */
const FEWEST_CHECKS = 64
const MOST_CHECKS = 16384
const FIRST_CHECKS = 1024

/** Wake-ups after which one goes through the event loop. */
const WAKES_IN_A_TURN = 64

/** Timers take no more milliseconds than 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1

export interface CoroutineHost {
  readonly system: System
  /** Files as one process sees them: its own handles, the same files as all others. */
  files(): FileLayer
  /** Resolves when all is durable that processes have asked to be (FileLayer's sync); undefined when it is already. */
  durable?: (() => Promise<void> | undefined) | undefined
}

/** One that waits. */
interface Sleeper {
  /** By the system's monotonic clock, or Infinity. */
  readonly deadline: number
  wake(result: number): void
  end(error: ProcessExit): void
}

interface Process {
  killed: boolean
  /** Where it sleeps, if it does. */
  word: number | undefined
  /** Whether it has slept since its last turn, and when it went on after that. */
  slept: boolean
  resumed: number
  /** Interrupt checks until it gives way. */
  checks: number
}

export class Coroutines implements Scheduler {
  readonly depth = CALLER_DEPTH
  readonly host: KernelHost
  readonly #jspi = promiseIntegration()
  readonly #memory: LinearMemory
  readonly #processes = new Map<number, Process>()
  /** By the address of the word that they wait for. Each process waits for its own. */
  readonly #sleepers = new Map<number, Sleeper>()
  #wakes = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When the timer is due; Infinity without one. */
  #due = Number.POSITIVE_INFINITY
  #closed = false
  #resting = false

  constructor(
    readonly setup: ProcessSetup,
    readonly outside: CoroutineHost,
    readonly heard: (message: ProcessMessage) => void,
  ) {
    this.#memory = new LinearMemory(setup.memory)
    this.host = {
      // Who holds a lock of the kernel's while this runs is dead.
      wait: () => Wait.TimedOut,
      notify: word => this.#notify(word >>> 0),
      now: outside.system.monotonic,
    }
  }

  run(slot: number, program: WebAssembly.Module): void {
    const process = { killed: false, word: undefined, slept: true, resumed: 0, checks: FIRST_CHECKS }
    this.#processes.set(slot, process)
    queueMicrotask(() => void this.#run(slot, process, program))
  }

  kill(slot: number): void {
    const process = this.#processes.get(slot)
    if (process === undefined) return
    process.killed = true
    const sleeper = process.word === undefined ? undefined : this.#sleepers.get(process.word)
    if (process.word !== undefined) this.#sleepers.delete(process.word)
    sleeper?.end(new ProcessExit(SIGKILL))
  }

  /**
   * Gives up the timer: until resume(), processes that wait are woken by others only. What they wait for with a timeout
   * while nobody is there can wait until somebody comes.
   */
  rest(): void {
    this.#resting = true
    clearTimeout(this.#timer)
    this.#due = Number.POSITIVE_INFINITY
  }

  /** Takes up the timer again; what is overdue is woken at once. */
  resume(): void {
    if (!this.#resting) return
    this.#resting = false
    for (const { deadline } of this.#sleepers.values()) this.#setTimer(deadline)
  }

  changed(word: number, seen: number): Promise<void> {
    const address = word >>> 0
    if (this.#closed || this.#read(address) !== seen) return Promise.resolve()
    return new Promise(resolve => {
      const wake = () => resolve()
      this.#sleepers.set(address, { deadline: Number.POSITIVE_INFINITY, wake, end: wake })
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const slot of [...this.#processes.keys()]) this.kill(slot)
    for (const sleeper of this.#sleepers.values()) sleeper.wake(Wait.Woken)
    this.#sleepers.clear()
    // One that computes ends when it would give way.
    while (this.#processes.size > 0) await this.outside.system.nextTurn()
  }

  /** Runs the process to its end. */
  async #run(slot: number, process: Process, program: WebAssembly.Module): Promise<void> {
    const { system } = this.outside
    const files = this.outside.files()
    const tell = (bytes: Uint8Array, stream: number) => this.heard({ type: 'log', slot, stream, bytes })
    const kernel = instantiateKernel(this.setup.kernel, this.setup.memory, {
      ...this.host,
      wait: new this.#jspi.Suspending((word: number, expected: number, ms: number) =>
        this.#sleep(process, word >>> 0, expected, ms),
      ),
    })
    const client = kernel.sys_client(slot)
    let status = 0
    try {
      const host = {
        ...fileImports(this.#memory, files, {
          write: (stream, bytes) => tell(bytes, stream),
        }),
        ...clockImports(system),
        ...randomImports(this.#memory),
        ...processImports(this.#memory, {
          environment: this.setup.environment,
          find: system.find,
          group: system.group,
          notifyState: state => this.heard({ type: 'state', slot, state }),
        }),
        yield: new this.#jspi.Suspending(() => this.#yield(process)),
      }
      const imports = {
        pglite_js_read: (buffer: number, length: number) => kernel.sys_recv(slot, client, buffer, length),
        pglite_js_write: new this.#jspi.Suspending((buffer: number, length: number) =>
          this.#send(process, () => kernel.sys_send(slot, client, buffer, length)),
        ),
      }
      const { modules } = this.setup
      const instance = instantiateProcess(this.#memory, kernel, modules, slot, program, imports, host)
      if (process.killed) throw new ProcessExit(SIGKILL)
      process.resumed = system.monotonic()
      await this.#jspi.promising(instance.process_main)(kernel.argc(slot), kernel.argv(slot))
    } catch (error) {
      status = waitStatus(error, kernel.pid(slot), bytes => tell(bytes, 2))
    }
    files.closeAll()
    this.#processes.delete(slot)
    this.heard({ type: 'exit', slot, status })
  }

  /** A process' wait; see c/kernel/host.h. */
  #sleep(process: Process, word: number, expected: number, ms: number): number | Promise<number> {
    if (process.killed) throw new ProcessExit(SIGKILL)
    if (this.#read(word) !== expected) return Wait.Woken
    const deadline = ms < 0 ? Number.POSITIVE_INFINITY : this.outside.system.monotonic() + ms
    process.word = word
    return new Promise((resolve, reject) => {
      const wake = (result: number) => {
        process.word = undefined
        process.slept = true
        resolve(result)
      }
      this.#sleepers.set(word, { deadline, wake, end: reject })
      this.#setTimer(deadline)
    })
  }

  /** What a process has for its client goes out when what it tells of is durable. */
  #send(process: Process, send: () => number): number | Promise<number> {
    const durable = this.outside.durable?.()
    if (durable === undefined) return send()
    return durable.then(
      () => {
        if (process.killed) throw new ProcessExit(SIGKILL)
        return send()
      },
      () => -errno('EIO'),
    )
  }

  #notify(word: number): void {
    const sleeper = this.#sleepers.get(word)
    if (sleeper === undefined) return
    if (++this.#wakes % WAKES_IN_A_TURN === 0) {
      // It stays among the sleepers, to be woken or ended by others before its turn.
      void this.outside.system.nextTurn().then(() => this.#wake(word, sleeper, Wait.Woken))
    } else this.#wake(word, sleeper, Wait.Woken)
  }

  #wake(word: number, sleeper: Sleeper, result: number): void {
    if (this.#sleepers.get(word) !== sleeper) return
    this.#sleepers.delete(word)
    sleeper.wake(result)
  }

  /** A turn of the others'. Returns after how many interrupt checks the next one is due. */
  async #yield(process: Process): Promise<number> {
    const { system } = this.outside
    await system.nextTurn()
    if (process.killed) throw new ProcessExit(SIGKILL)
    const now = system.monotonic()
    if (!process.slept) {
      const ratio = Math.min(2, Math.max(0.5, SLICE / Math.max(now - process.resumed, 0.001)))
      process.checks = Math.round(Math.min(MOST_CHECKS, Math.max(FEWEST_CHECKS, process.checks * ratio)))
    }
    process.slept = false
    process.resumed = now
    return process.checks
  }

  /** See to it that the timer rings no later than this. */
  #setTimer(deadline: number): void {
    if (deadline >= this.#due || this.#closed || this.#resting) return
    clearTimeout(this.#timer)
    this.#due = deadline
    const ms = Math.min(LONGEST_TIMER, Math.max(0, Math.ceil(deadline - this.outside.system.monotonic())))
    this.#timer = setTimeout(() => this.#ring(), ms)
  }

  #ring(): void {
    const now = this.outside.system.monotonic()
    let next = Number.POSITIVE_INFINITY
    this.#due = next
    for (const [word, sleeper] of [...this.#sleepers]) {
      if (sleeper.deadline <= now) this.#wake(word, sleeper, Wait.TimedOut)
      else next = Math.min(next, sleeper.deadline)
    }
    this.#setTimer(next)
  }

  #read(word: number): number {
    return this.#memory.view(word + 4).getInt32(word, true)
  }
}
