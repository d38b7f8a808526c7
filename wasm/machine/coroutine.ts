/**
 * One process as a coroutine of the engine (JSPI): the engine suspends it where it waits, and others on its thread go on.
 *
 * A process that computes yields after a number of interrupt checks (c/posix/signals.c). The clock determines that number, but only
 * when the turn is over, because in some hosts the clock stands still during execution.
 */
import { errno, SIGKILL } from './abi.js'
import { errnoOf } from './host/errno.js'
import type { FileLayer } from './host/file-layer.js'
import { ProcessExit } from './host/process.js'
import type { System } from './host/system.js'
import { promiseIntegration } from './jspi.js'
import { instantiateKernel, type KernelExports } from './kernel.js'
import type { LinearMemory } from './memory.js'
import { Process, type ProcessHost, type ProcessMessage, type ProcessSetup } from './process.js'
import type { Sleeping } from './sleepers.js'

/** Milliseconds after which processes that compute let others run. Several that compute share this time. */
const SLICE = 10
/** Interrupt checks in one turn. Between two checks there may be nanoseconds, or a millisecond. */
const FEWEST_CHECKS = 64
const MOST_CHECKS = 16384
const FIRST_CHECKS = 1024

export interface CoroutineHost {
  readonly system: System
  /** Files as one process sees them: its own handles, the same files as all others. */
  files(): FileLayer
  /** Resolves when all writes that processes have synced are durable; undefined if they are already. Rejects if the storage fails. */
  durable?: (() => Promise<void> | undefined) | undefined
}

/** What all coroutines of a machine share. */
export interface CoroutineSetup {
  readonly processes: ProcessSetup
  readonly memory: LinearMemory
  readonly sleepers: Sleeping
  readonly host: CoroutineHost
  readonly heard: (message: ProcessMessage) => void
}

export class Coroutine {
  readonly #jspi = promiseIntegration()
  #killed = false
  /** Address of the word on which it sleeps, or did so last. */
  #word = 0
  /** Whether it has slept since its last turn, and when that turn began. */
  #slept = true
  #resumed = 0
  /** Interrupt checks until it yields. */
  #checks = FIRST_CHECKS

  constructor(
    readonly slot: number,
    readonly program: WebAssembly.Module,
    readonly setup: CoroutineSetup,
  ) {}

  /** Runs the process to its end. Resolves with its wait status. */
  async run(): Promise<number> {
    if (this.#killed) return SIGKILL
    return new Process(this.slot, this.program, this.#processHost()).runSuspended()
  }

  /** Ends it where it sleeps, or when it next sleeps or yields. */
  kill(): void {
    this.#killed = true
    this.setup.sleepers.end(this.#word, new ProcessExit(SIGKILL))
  }

  #processHost(): ProcessHost {
    const { slot } = this
    const { Suspending } = this.#jspi
    const { processes, memory, sleepers, host, heard } = this.setup
    const { modules, environment } = processes
    const kernel = instantiateKernel(processes.kernel, processes.memory, {
      wait: new Suspending((word: number, expected: number, ms: number) => this.#sleep(word, expected, ms)),
      notify: word => sleepers.notify(word),
      now: host.system.monotonic,
    })
    const files = host.files()
    return {
      memory,
      kernel,
      modules,
      environment,
      system: host.system,
      files,
      sync: this.#syncing(files),
      streams: { write: (stream, bytes) => heard({ type: 'log', slot, stream, bytes }) },
      client: this.#client(kernel),
      yield: new Suspending(() => this.#yield()),
      notifyState: state => heard({ type: 'state', slot, state }),
    }
  }

  #client(kernel: KernelExports): ProcessHost['client'] {
    const client = kernel.sys_client(this.slot)
    return {
      pglite_js_read: (buffer: number, length: number) => kernel.sys_recv(this.slot, client, buffer, length),
      pglite_js_write: new this.#jspi.Suspending((buffer: number, length: number) =>
        this.#send(() => kernel.sys_send(this.slot, client, buffer, length)),
      ),
    }
  }

  /** Suspends the process while its files are made durable, where the host can do that. */
  #syncing({ syncLater }: FileLayer): WebAssembly.ImportValue | undefined {
    if (syncLater === undefined) return undefined
    return new this.#jspi.Suspending(async (handle: number, dataOnly: number) => {
      const failure = await syncLater(handle, dataOnly !== 0).then(
        () => 0,
        error => -errnoOf(error),
      )
      this.#endIfKilled()
      return failure
    })
  }

  #sleep(word: number, expected: number, ms: number): number | Promise<number> {
    this.#endIfKilled()
    const result = this.setup.sleepers.sleep(word, expected, ms)
    if (typeof result === 'number') return result
    this.#word = word
    this.#slept = true
    return result
  }

  /** Sends output to the client once everything that the process has synced is durable. */
  #send(send: () => number): number | Promise<number> {
    const durable = this.setup.host.durable?.()
    if (durable === undefined) return send()
    return durable.then(
      () => {
        this.#endIfKilled()
        return send()
      },
      () => {
        this.#endIfKilled()
        return -errno.EIO
      },
    )
  }

  /** Lets others run. Returns the number of interrupt checks after which the process is to yield again. */
  async #yield(): Promise<number> {
    const { system } = this.setup.host
    await system.nextTurn()
    this.#endIfKilled()
    const now = system.monotonic()
    if (!this.#slept) {
      const ratio = Math.min(2, Math.max(0.5, SLICE / Math.max(now - this.#resumed, 0.001)))
      this.#checks = Math.round(Math.min(MOST_CHECKS, Math.max(FEWEST_CHECKS, this.#checks * ratio)))
    }
    this.#slept = false
    this.#resumed = now
    return this.#checks
  }

  #endIfKilled(): void {
    if (this.#killed) throw new ProcessExit(SIGKILL)
  }
}
