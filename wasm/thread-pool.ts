/**
 * Threads without a process. Making one takes longer than a client likes to wait, so a few stand ready.
 */
import { Worker } from 'node:worker_threads'
import { THREAD_STACK_MB } from './stack.js'

/** How many to have at hand always, */
const SPARE = 1
/** at the start of a cluster, which has so many processes when its first client has come, */
const START = 7
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

export class ThreadPool {
  readonly #idle: Worker[] = []
  #trimming: NodeJS.Timeout | undefined
  #closed = false

  /** A pool for a cluster that will start soon: its threads come up while this one does the rest. */
  static forCluster(): ThreadPool {
    const pool = new ThreadPool()
    pool.#fill(START)
    return pool
  }

  /** Returns an idle thread, and has another one take its place. */
  take(): Worker {
    const worker = this.#idle.shift() ?? this.#make()
    worker.ref()
    setImmediate(() => this.#fill(SPARE))
    return worker
  }

  /** Gives a thread back that is idle again. */
  put(worker: Worker): void {
    worker.unref()
    this.#idle.unshift(worker)
    clearTimeout(this.#trimming)
    this.#trimming = setTimeout(() => this.#trim(), KEEP).unref()
  }

  /** Ends the idle threads. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#trimming)
    await Promise.all(this.#idle.splice(0).map(worker => worker.terminate()))
  }

  #make(): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      resourceLimits: LIMITS,
      ...NODE_OPTIONS,
    })
    worker.on('error', () => {}) // Who has taken it hears it too.
    worker.on('exit', () => {
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return worker
  }

  #fill(count: number): void {
    while (!this.#closed && this.#idle.length < count) {
      const worker = this.#make()
      worker.unref()
      this.#idle.push(worker)
    }
  }

  #trim(): void {
    for (const worker of this.#idle.splice(SPARE)) void worker.terminate()
  }
}
