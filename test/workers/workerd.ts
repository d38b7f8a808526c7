/**
 * The real runtime of Cloudflare Workers, with database.ts in it. Each Durable Object of it has a server of its own; tests
 * name the object and talk to it by HTTP.
 */
import type { ChildProcess } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import type { Answer, Task } from './database.js'
import { type HeapUsage, heapUsage } from './inspector.js'
import { makeRuntimeFolder, startRuntime } from './runtime.js'

const artefacts = fileURLToPath(new URL('../../wasm/dist', import.meta.url))
const entry = fileURLToPath(new URL('./database.ts', import.meta.url))

/** What /proc counts processor time in, in milliseconds. */
const CLOCK_TICK = 10

export class Workerd {
  log = ''
  #port = 0
  #inspector = 0
  #child: ChildProcess | undefined
  readonly #folder: string

  static async start(): Promise<Workerd> {
    const runtime = new Workerd(await makeRuntimeFolder(entry, artefacts))
    await runtime.start()
    return runtime
  }

  private constructor(folder: string) {
    this.#folder = folder
  }

  async start(): Promise<void> {
    const { child, port, inspector } = await startRuntime(this.#folder, text => {
      this.log = (this.log + text).slice(-20_000)
    })
    this.#child = child
    this.#port = port
    this.#inspector = inspector
  }

  /** What it has resident, in bytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.#child!.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024
  }

  /** What it has used of processors, in milliseconds. */
  processorTime(): number {
    const stat = readFileSync(`/proc/${this.#child!.pid}/stat`, 'utf8')
    const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14)
    return (Number(user) + Number(system)) * CLOCK_TICK
  }

  /** Where the server of an object is reached by WebSocket. */
  url(object: string): string {
    return `ws://127.0.0.1:${this.#port}/${object}`
  }

  /** Has the server of an object do something. A failure of PostgreSQL's is thrown with its fields. */
  async do<T = unknown>(object: string, task: Task, signal?: AbortSignal): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/${object}`, {
      method: 'POST',
      body: JSON.stringify(task),
      ...(signal && { signal }),
    })
    const answer = (await response.json()) as Answer
    if ('error' in answer) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result as T
  }

  /** The cluster in the storage of an object, as an archive. */
  async export(object: string): Promise<ReadableStream<Uint8Array>> {
    return (await fetch(`http://127.0.0.1:${this.#port}/${object}?export`)).body!
  }

  /** Fills the storage of an object from an archive. */
  async import(object: string, archive: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>): Promise<void> {
    const options = { method: 'PUT', body: archive, duplex: 'half' }
    const response = await fetch(`http://127.0.0.1:${this.#port}/${object}`, options)
    const answer = (await response.json()) as Answer
    if ('error' in answer) throw Object.assign(new Error(answer.error.message), answer.error)
  }

  /** The rows of a statement in a session of that name, which begins with its first statement. */
  query<T = Record<string, unknown>>(object: string, session: string, sql: string): Promise<T[]> {
    return this.do<T[]>(object, { type: 'query', session, sql })
  }

  /** The memory of the isolate that all objects are in, after garbage was collected. */
  heap(): Promise<HeapUsage> {
    return heapUsage(this.#inspector)
  }

  /** Ends the runtime by SIGKILL, in the middle of whatever it does. */
  async kill(): Promise<void> {
    const child = this.#child!
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true })
  }
}

/** A runtime for all tests of a file. */
export function useWorkerd(): Workerd {
  let runtime: Workerd | undefined
  beforeAll(async () => {
    runtime = await Workerd.start()
  })
  afterAll(() => runtime?.remove())
  return new Proxy({} as Workerd, {
    get(_, name: keyof Workerd) {
      const value = runtime![name]
      return typeof value === 'function' ? value.bind(runtime) : value
    },
  })
}
