/**
 * Idle threads. To start a thread takes longer than a client should wait, so a few are started in advance.
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { hasPromiseIntegration } from '../machine/jspi.js'
import type { StackSize } from '../machine/stack.js'
import { packageFolder } from './package-folder.js'
import { SocketChannel } from './socket-channel.js'
import { engineStack, stackSize } from './stack.js'

/**
 * Threads that a cluster needs before its first client: for postmaster, checkpointer, background writer and startup process. Where the
 * engine can suspend processes (JSPI), these share one.
 */
const FIRST = hasPromiseIntegration() ? 1 : 4
/** Milliseconds for which further idle threads are kept, at least. The pools of many drivers end a connection after 10 s and make a new one later. */
const KEEP = 15_000

/** How many threads may start at a time: more would only take the cores from each other. */
const COMING = availableParallelism()
/** The same if no client waits for any of them, so that a core is left for clients with sessions. */
const COMING_UNAWAITED = Math.max(1, COMING - 1)

/**
 * Megabytes. A process' data are in the shared memory; its thread's own heap has almost nothing. The old generation has no limit: V8 counts
 * the shared memory as a part of it, and with a limit it would collect garbage again and again while a process starts.
 */
const LIMITS = { maxYoungGenerationSizeMb: 2 }

/**
 * A thread inherits node's options from this process. But threads refuse --input-type, which is for the text given with --eval.
 * Then they get none, because a list of the others must not have V8's options.
 */
const NODE_OPTIONS = process.execArgv.some(option => option.startsWith('--input-type'))
  ? { execArgv: [] }
  : {}

/** The channels through which threads get the sockets of clients. */
const channels = new WeakMap<Worker, SocketChannel>()

export const channelOf = (worker: Worker): SocketChannel | undefined => channels.get(worker)

/** A thread can use a client's socket while its process is suspended. Windows passes no sockets through pipes. */
function newChannel(): SocketChannel | undefined {
  if (!hasPromiseIntegration() || process.platform === 'win32') return undefined
  try {
    return new SocketChannel()
  } catch {
    // There is no folder for temporary files that this process may write to.
    return undefined
  }
}

/** By a name of ours: Turbopack looks for what is given to `new Worker()` when it makes a bundle, and fails. */
class Thread extends Worker {}

interface Waiting {
  readonly forClient: boolean
  suits(worker: Worker): boolean
  give(worker: Worker): void
  fail(error: Error): void
}

export class ThreadPool {
  readonly #idle: Worker[] = []
  /** Requests for a thread, those for clients first. */
  readonly #waiting: Waiting[] = []
  readonly #coming = new Set<Worker>()
  /** How many idle threads there should be. */
  #wanted: number
  #trimming: NodeJS.Timeout | undefined
  /** How many threads have been idle all the time since the last trimming. */
  #unused = 0
  #closed = false

  /** A pool for a cluster that will start soon: its threads start while the main thread does the rest. */
  static forCluster(stack: StackSize): ThreadPool {
    const pool = new ThreadPool(1, stack)
    pool.#wanted += FIRST
    pool.#fill()
    return pool
  }

  /**
   * @param spare how many idle threads to keep for clients; other processes do not take these
   * @param stack how deep the processes on them may recurse
   */
  constructor(
    readonly spare: number,
    readonly stack: StackSize = stackSize({}),
  ) {
    this.#wanted = spare
  }

  /**
   * Resolves to an idle thread when there is one; another one is started in its place.
   *
   * @param forClient whether a client waits for the thread's process
   * @param suits whether a thread is better than others
   * @throws Error if no thread can be started
   */
  take(forClient: boolean, suits: (worker: Worker) => boolean = () => false): Promise<Worker> {
    return new Promise((give, fail) => {
      const at = forClient ? this.#waiting.findIndex(other => !other.forClient) : -1
      this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, { forClient, suits, give, fail })
      this.#serve()
    })
  }

  /** Returns a thread that is idle again. */
  put(worker: Worker): void {
    // The thread is being ended, and must stay referenced until then.
    if (this.#closed) return
    worker.unref()
    this.#idle.unshift(worker)
    this.#serve()
    this.#trimming ??= setInterval(() => this.#trim(), KEEP).unref()
  }

  /** Ends all idle threads. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#trimming)
    await Promise.all([...this.#idle.splice(0), ...this.#coming].map(worker => worker.terminate()))
  }

  #serve(): void {
    while (this.#waiting[0] !== undefined) {
      if (this.#idle.length <= (this.#waiting[0].forClient ? 0 : this.spare)) break
      const [worker] = this.#idle.splice(Math.max(0, this.#idle.findIndex(this.#waiting[0].suits)), 1) as [
        Worker,
      ]
      this.#unused = Math.min(this.#unused, this.#idle.length)
      worker.ref()
      if (this.#wanted > this.spare) this.#wanted--
      this.#waiting.shift()!.give(worker)
    }
    setImmediate(() => this.#fill())
  }

  /** Whether a client waits for a thread, or the cluster is starting. */
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
      // The system allows no more threads.
      for (const { fail } of this.#waiting.splice(0)) fail(error as Error)
    }
  }

  #make(): void {
    const channel = newChannel()
    const code = join(packageFolder(), 'dist', 'wasm', 'node', 'worker.cjs')
    const worker = new Thread(code, {
      workerData: channel?.path,
      resourceLimits: { ...LIMITS, stackSizeMb: Math.ceil(engineStack(this.stack) / (1 << 20)) },
      ...NODE_OPTIONS,
    })
    if (channel !== undefined) channels.set(worker, channel)
    this.#coming.add(worker)
    let failure: Error | undefined
    // Not 'online', which comes before the thread reads its code. That can fail, because no file descriptor is free.
    worker.once('message', () => {
      this.#coming.delete(worker)
      this.put(worker)
    })
    worker.on('error', error => {
      failure = error
    })
    worker.on('exit', () => {
      channel?.close()
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      if (!this.#coming.delete(worker)) return
      this.#waiting.shift()?.fail(failure ?? new Error('the thread ended before it was ready'))
      // Only for a waiting process: otherwise a thread that cannot start would be started for ever.
      if (this.#waiting.length > 0) this.#fill()
    })
  }

  /** Ends the threads that have been idle since the last trimming. Those used last are in front. */
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
