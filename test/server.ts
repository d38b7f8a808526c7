/**
 * The server as users run it: the command line in a process of its own, so that what a test sees of memory, signals and
 * exit codes is the server's alone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll } from 'vitest'

export const commandLine = fileURLToPath(new URL('../dist/bin/pglite-imports-server.js', import.meta.url))

/** Breaks every way to generate code at run time, in every thread: all that is tested works without. */
const BAN = [
  '--disallow-code-generation-from-strings',
  '--import',
  new URL('./contract/forbid-code-generation.mjs', import.meta.url).href,
]

/** `npm run test:one-thread` runs the tests against a server whose processes share a thread. */
export const oneThread = process.env.TEST_ONE_THREAD !== undefined

/** What of a server's output is kept to explain a failure. */
const LOG_LENGTH = 20_000

/** The pid of a process, modulo the number of slots in the process table, is its slot. */
const SLOTS = 1024

export interface ServerOptions {
  /** Further options of the command line. */
  args?: string[]
  /** Options of node. */
  nodeArgs?: string[]
  /** A program and arguments to run it by, such as prlimit. */
  by?: string[]
  /** Whether code generation is forbidden, as it is by default. */
  ban?: boolean
  env?: NodeJS.ProcessEnv
}

export class ServerProcess {
  url = ''
  port = 0
  output = ''
  log = ''
  readonly #child: ChildProcess
  readonly #clients = new Set<pg.Client>()
  readonly exited: Promise<number | null>

  /** Starts a server, on a free port unless `args` say otherwise, and resolves when it is ready. */
  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const server = new ServerProcess(options)
    await server.#ready()
    return server
  }

  private constructor({ args = [], nodeArgs = [], by = [], ban = true, env = {} }: ServerOptions) {
    const [program, ...rest] = [...by, process.execPath]
    this.#child = spawn(
      program!,
      [
        ...rest,
        ...(ban ? BAN : []),
        ...nodeArgs,
        commandLine,
        '-p',
        '0',
        ...(oneThread ? ['--no-threads'] : []),
        ...args,
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: { ...process.env, ...env },
      },
    )
    this.#child.stdout!.on('data', text => {
      this.output += text
    })
    this.#child.stderr!.on('data', text => {
      this.log = (this.log + text).slice(-LOG_LENGTH)
    })
    this.exited = once(this.#child, 'close').then(([code]) => code as number | null)
  }

  async #ready(): Promise<void> {
    let ended = false
    void this.exited.then(() => {
      ended = true
    })
    const next = () => Promise.race([once(this.#child.stdout!, 'data'), this.exited])
    for (;;) {
      const url = /PostgreSQL is ready: (\S+)[\s\S]*Ctrl-C/.exec(this.output)?.[1]
      if (url !== undefined) {
        this.url = url
        this.port = Number(/:(\d+)\//.exec(url)?.[1] ?? /port=(\d+)/.exec(url)![1])
        return
      }
      if (ended) throw new Error(`the server did not start:\n${this.output}${this.log}`)
      await next()
    }
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** A session by node-postgres. useServer() ends it after the test. */
  async connect(config: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
      ...config,
    })
    // A connection that is lost fails the statement that runs on it, which is enough.
    client.on('error', () => {})
    await client.connect()
    this.#clients.add(client)
    return client
  }

  async endClients(): Promise<void> {
    const clients = [...this.#clients]
    this.#clients.clear()
    await Promise.all(clients.map(client => client.end()))
  }

  /** The most memory that it has had resident at a time since its start, in MB. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024
  }

  /** Ends the thread of a backend, for a server with faults/saboteur.mjs in `nodeArgs`. */
  killBackend(pid: number): void {
    this.#child.send({ kill: pid % SLOTS })
  }

  /** Has a backend trap when it next calls the host, for such a server. */
  trapBackend(pid: number): void {
    this.#child.send({ trap: pid % SLOTS })
  }

  /** Whether the system has threads for more processes, for such a server. */
  allowThreads(allowed: boolean): void {
    this.#child.send({ threads: allowed })
  }

  /** Sends a signal, or does as Ctrl-C does, and resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.#child.kill(signal)
    return this.exited
  }
}

/** A server for all tests of a file. What is returned may be used inside tests and hooks only. */
export function useServer(options: ServerOptions = {}): ServerProcess {
  let server: ServerProcess | undefined
  beforeAll(async () => {
    server = await ServerProcess.start(options)
  })
  afterEach(context => {
    if (context.task.result?.state === 'fail' && server !== undefined)
      console.error(`the server's log up to the end of "${context.task.name}":\n${server.log}`)
    return server?.endClients()
  })
  afterAll(async () => {
    if (server === undefined) return
    const code = await server.stop()
    if (code !== 0) throw new Error(`the server ended with exit code ${code}:\n${server.log}`)
  })
  return new Proxy({} as ServerProcess, {
    get(_, name: keyof ServerProcess) {
      const value = server![name]
      return typeof value === 'function' ? value.bind(server) : value
    },
  })
}
