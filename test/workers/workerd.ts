/**
 * The real runtime of Cloudflare Workers, with database.ts in it. Each Durable Object of it has a server of its own; tests
 * name the object and talk to it by HTTP.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll } from 'vitest'
import workerd from 'workerd'
import type { Answer, Task } from './database.js'
import { type HeapUsage, heapUsage } from './inspector.js'

const artefacts = fileURLToPath(new URL('../../wasm/dist', import.meta.url))

/** Modules of Node's that drivers require without saying so. */
const NODE = 'assert buffer child_process crypto dns events fs net os path stream string_decoder tls url util'

/** A folder with all that workerd reads and writes. */
async function makeFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'workerd-'))
  mkdirSync(join(folder, 'storage'))
  symlinkSync(artefacts, join(folder, 'artefacts'))
  await build({
    entryPoints: [fileURLToPath(new URL('./database.ts', import.meta.url))],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker'],
    external: [
      ...['node:*', 'cloudflare:*', '*.wasm', '*.so', '*.bin', 'pg-native', 'pg-cloudflare'],
      ...NODE.split(' '),
    ],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    logLevel: 'error',
  })
  const wasm = [
    ...['kernel.wasm', 'postgres.wasm'],
    ...readdirSync(join(artefacts, 'lib')).map(name => `lib/${name}`),
  ]
  const modules = [
    '(name = "worker.js", esModule = embed "worker.js")',
    '(name = "files.bin", data = embed "artefacts/files.bin")',
    ...wasm.map(name => `(name = "${name}", wasm = embed "artefacts/${name}")`),
  ]
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "storage", disk = (path = "${join(folder, 'storage')}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "2026-11-01",
  durableObjectNamespaces = [(className = "Database", uniqueKey = "database", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [(name = "DATABASE", durableObjectNamespace = "Database")],
);
`,
  )
  return folder
}

export class Workerd {
  log = ''
  #port = 0
  #inspector = 0
  #child: ChildProcess | undefined
  readonly #folder: string

  static async start(): Promise<Workerd> {
    const runtime = new Workerd(await makeFolder())
    await runtime.start()
    return runtime
  }

  private constructor(folder: string) {
    this.#folder = folder
  }

  async start(): Promise<void> {
    const options = ['--control-fd=3', '--inspector-addr=127.0.0.1:0']
    const child = spawn(workerd, ['serve', join(this.#folder, 'config.capnp'), ...options], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', text => {
        this.log = (this.log + text).slice(-20_000)
      })
    this.#port = await new Promise<number>((resolve, reject) => {
      const control = child.stdio[3] as Readable
      let said = ''
      control.on('data', text => {
        said += text
        const [, inspector] = /"listen-inspector","port":(\d+)/.exec(said) ?? []
        const [, port] = /"listen","socket":"http","port":(\d+)/.exec(said) ?? []
        if (inspector !== undefined) this.#inspector = Number(inspector)
        if (port !== undefined && inspector !== undefined) resolve(Number(port))
      })
      child.on('exit', code => reject(new Error(`workerd ended with ${code}:\n${this.log}`)))
    })
  }

  /** What it has resident, in bytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.#child!.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024
  }

  /** Where the server of an object is reached by WebSocket. */
  url(object: string): string {
    return `ws://127.0.0.1:${this.#port}/${object}`
  }

  /** Has the server of an object do something. A failure of PostgreSQL's is thrown with its fields. */
  async do<T = unknown>(object: string, task: Task): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/${object}`, {
      method: 'POST',
      body: JSON.stringify(task),
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
    child.removeAllListeners('exit')
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
