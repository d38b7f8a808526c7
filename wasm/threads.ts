/**
 * The threads that processes run on. A few stand ready, because making one takes longer than a client likes to wait.
 */
import { Worker } from 'node:worker_threads'
import type { FileAccess } from './host/confined-files.js'
import { nodeSystem } from './host/node-system.js'
import { threadHost } from './kernel.js'
import type { Scheduler } from './machine.js'
import { type ProcessMessage, type ProcessSetup, SIGKILL, SIGSEGV } from './process.js'
import { THREAD_DEPTH, THREAD_STACK_MB } from './stack.js'
import type { RunMessage, ThreadSetup } from './worker.js'

/** How many idle threads to have at hand always, */
const SPARE = 1
/** and how long to keep others after use, in milliseconds: where clients come and go, they are soon used again. */
const KEEP = 5000

/** Megabytes. A process' data lie in the shared memory; its thread's own heap holds next to nothing. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2, stackSizeMb: THREAD_STACK_MB }

/**
 * A thread has the options of node that this process has. But --input-type, which says how to read the text given with
 * --eval, suits no thread, and the others cannot be listed without it: a list may hold no options of the engine's.
 */
const NODE_OPTIONS = process.execArgv.some(option => option.startsWith('--input-type'))
  ? { execArgv: [] }
  : {}

export class Threads implements Scheduler {
  readonly depth = THREAD_DEPTH
  readonly host: ReturnType<typeof threadHost>
  readonly #idle: Worker[] = []
  readonly #busy = new Map<number, Worker>()
  /** Being ended. The process of such a thread may have come to its own end first, but there is no next one for it. */
  readonly #ending = new WeakSet<Worker>()
  #trimming: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param heard called with every message of a process, the last of which is its exit
   * @param access which of the machine's files processes may reach; undefined: all
   */
  constructor(
    readonly setup: ProcessSetup,
    readonly heard: (message: ProcessMessage) => void,
    readonly access: FileAccess | undefined,
  ) {
    this.host = threadHost(setup.memory, nodeSystem.monotonic)
  }

  /** Run the process of this slot, an instance of this program, on a thread of its own. */
  run(slot: number, program: WebAssembly.Module): void {
    const worker = this.#idle.pop() ?? this.#make()
    this.#busy.set(slot, worker)
    worker.ref()
    worker.postMessage({ slot, program } satisfies RunMessage)
    setImmediate(() => this.#fill())
  }

  /** End a process, whatever it is doing. Its exit is heard like any other. */
  kill(slot: number): void {
    const worker = this.#busy.get(slot)
    if (worker === undefined) return
    this.#ending.add(worker)
    void worker.terminate()
  }

  async changed(word: number, seen: number): Promise<void> {
    const waiting = Atomics.waitAsync(new Int32Array(this.setup.memory.buffer), word >>> 2, seen)
    if (waiting.async) await waiting.value
  }

  /** End all threads. Resolves when they have ended. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#trimming)
    await Promise.all([...this.#idle, ...this.#busy.values()].map(worker => worker.terminate()))
  }

  #make(): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { ...this.setup, access: this.access } satisfies ThreadSetup,
      resourceLimits: LIMITS,
      ...NODE_OPTIONS,
    })
    let failure: Error | undefined
    worker.on('message', (message: ProcessMessage) => {
      if (message.type === 'exit') this.#free(message.slot, worker)
      this.heard(message)
    })
    worker.on('error', error => {
      failure = error
    })
    worker.on('exit', () => {
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      for (const [slot, busy] of this.#busy)
        if (busy === worker) {
          this.#busy.delete(slot)
          if (failure !== undefined)
            this.heard({
              type: 'log',
              slot,
              stream: 2,
              bytes: Buffer.from(`thread ended: ${failure.message}\n`),
            })
          this.heard({ type: 'exit', slot, status: failure === undefined ? SIGKILL : SIGSEGV })
        }
    })
    return worker
  }

  #free(slot: number, worker: Worker): void {
    this.#busy.delete(slot)
    if (this.#ending.has(worker)) return
    worker.unref()
    this.#idle.push(worker)
    clearTimeout(this.#trimming)
    this.#trimming = setTimeout(() => this.#trim(), KEEP).unref()
  }

  #fill(): void {
    while (!this.#closed && this.#idle.length < SPARE) {
      const worker = this.#make()
      worker.unref()
      this.#idle.push(worker)
    }
  }

  #trim(): void {
    for (const worker of this.#idle.splice(SPARE)) void worker.terminate()
  }
}
