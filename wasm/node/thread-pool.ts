/**
 * Threads without a process. Making one takes longer than a client likes to wait, so a few stand ready.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { THREAD_STACK_MB } from '../machine/stack.js'

/** What a cluster needs before its first client: postmaster, checkpointer, background writer and startup process. */
const FIRST = 4
/** How long to keep others that nobody needs, in milliseconds: where clients come and go, they are soon used again. */
const KEEP = 5000

/** How many may come up at a time: more would only take the cores from each other. */
const COMING = availableParallelism()
/** The same where no client waits for any of them, so that those who are served have a core left. */
const COMING_UNAWAITED = Math.max(1, COMING - 1)

/** Megabytes. A process' data lie in the shared memory; its thread's own heap holds next to nothing. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2, stackSizeMb: THREAD_STACK_MB }

/**
 * A thread has the options of node that this process has. But --input-type, which says how to read the text given with
 * --eval, suits no thread, and the others cannot be listed without it: a list may hold no options of the engine's.
 */
const NODE_OPTIONS = process.execArgv.some(option => option.startsWith('--input-type'))
  ? { execArgv: [] }
  : {}

/** By way of its folder: `npm run bundle` makes this file a part of one in dist/wasm/chunks/. */
const WORKER = new URL('../node/worker.js', import.meta.url)

interface Waiting {
  readonly forClient: boolean
  give(worker: Worker): void
  fail(error: Error): void
}

export class ThreadPool {
  readonly #idle: Worker[] = []
  /** Those who need one, clients first. */
  readonly #waiting: Waiting[] = []
  readonly #coming = new Set<Worker>()
  /** How many idle ones there should be. */
  #wanted: number
  #trimming: NodeJS.Timeout | undefined
  /** How many have been idle all the time since the last trimming. */
  #unused = 0
  #closed = false

  /** A pool for a cluster that will start soon: its threads come up while this one does the rest. */
  static forCluster(): ThreadPool {
    const pool = new ThreadPool(1)
    pool.#wanted += FIRST
    pool.#fill()
    return pool
  }

  /** @param spare how many to have at hand always, for clients: processes that nobody waits for leave them */
  constructor(readonly spare: number) {
    this.#wanted = spare
  }

  /**
   * Resolves with an idle thread, as soon as there is one; another one takes its place.
   *
   * @param forClient whether a client waits for what the thread is for
   * @throws Error if none can be made
   */
  take(forClient: boolean): Promise<Worker> {
    return new Promise((give, fail) => {
      const at = forClient ? this.#waiting.findIndex(other => !other.forClient) : -1
      this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, { forClient, give, fail })
      this.#serve()
    })
  }

  /** Gives a thread back that is idle again. */
  put(worker: Worker): void {
    // It is being ended, and has to be waited for.
    if (this.#closed) return
    worker.unref()
    this.#idle.unshift(worker)
    this.#serve()
    this.#trimming ??= setInterval(() => this.#trim(), KEEP).unref()
  }

  /** Ends the threads that no process has. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#trimming)
    await Promise.all([...this.#idle.splice(0), ...this.#coming].map(worker => worker.terminate()))
  }

  #serve(): void {
    while (this.#waiting[0] !== undefined) {
      if (this.#idle.length <= (this.#waiting[0].forClient ? 0 : this.spare)) break
      const worker = this.#idle.shift()!
      this.#unused = Math.min(this.#unused, this.#idle.length)
      worker.ref()
      if (this.#wanted > this.spare) this.#wanted--
      this.#waiting.shift()!.give(worker)
    }
    setImmediate(() => this.#fill())
  }

  /** A client waits for a thread, or all do for the cluster to start. */
  get #awaited(): boolean {
    return this.#waiting[0]?.forClient === true || this.#wanted > this.spare
  }

  #fill(): void {
    try {
      while (
        !this.#closed &&
        this.#coming.size < (this.#awaited ? COMING : COMING_UNAWAITED) &&
        this.#idle.length + this.#coming.size < this.#wanted + this.#waiting.length
      )
        this.#make()
    } catch (error) {
      // The system has no more: nobody can be served until some are given back.
      for (const { fail } of this.#waiting.splice(0)) fail(error as Error)
    }
  }

  #make(): void {
    const worker = new Worker(WORKER, {
      resourceLimits: LIMITS,
      ...NODE_OPTIONS,
    })
    this.#coming.add(worker)
    let failure: Error | undefined
    // Its first message. It is "online" before its code has been read, for which there may be no file descriptor left.
    worker.once('message', () => {
      this.#coming.delete(worker)
      this.put(worker)
    })
    worker.on('error', error => {
      failure = error
    })
    worker.on('exit', () => {
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      if (!this.#coming.delete(worker)) return
      this.#waiting.shift()?.fail(failure ?? new Error('the thread ended before it began'))
      // Not for the sake of having one at hand, or one that never comes would be made for ever.
      if (this.#waiting.length > 0) this.#fill()
    })
  }

  /** Ends those that nobody has needed since the last time. The ones last used are in front. */
  #trim(): void {
    const kept = Math.max(this.spare, this.#idle.length - this.#unused)
    for (const worker of this.#idle.splice(kept)) void worker.terminate()
    this.#unused = this.#idle.length
    if (this.#unused <= this.spare) {
      clearInterval(this.#trimming)
      this.#trimming = undefined
    }
  }
}
