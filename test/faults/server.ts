/** The server under test, to which the rig does faults: the command line in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { repository } from '../../wasm/build/paths.js'
import { type Preloaded, preload } from '../preloaded/path.js'
import type { Message } from '../preloaded/saboteur.js'

const commandLine = join(repository, 'dist', 'bin', 'pglite-imports-server.js')

/** Milliseconds after which a server that neither is ready nor has ended counts as hung. */
export const PATIENCE = 120_000

const LOG_LENGTH = 200_000

/** A kernel that has assertions. */
const kernelForTests = join(repository, 'wasm', 'dist', 'test', 'kernel-asserting.wasm')

/** A pid tells the process' slot in the table of so many; but the postmaster, which is the first, has the system's. */
const SLOTS = 1024
const FIRST_PID = 2 ** 22
const slotOf = (pid: number) => (pid < FIRST_PID ? 1 : pid % SLOTS)

export interface ServerOptions {
  dataDir: string
  /** The Node that runs it. */
  node: string
  threads: boolean
  settings?: Readonly<Record<string, string>> | undefined
  /** A program and arguments to run it by, such as unshare. */
  by?: string[]
  /** Further modules to preload, and the environment they read. */
  preload?: Preloaded[]
  env?: NodeJS.ProcessEnv
  /** Whether sabotage() is to work. */
  sabotage?: boolean
}

export class Server {
  readonly child: ChildProcess
  readonly exited: Promise<number | NodeJS.Signals>
  output = ''
  log = ''
  port = 0

  constructor(readonly options: ServerOptions) {
    const { node, dataDir, threads, settings = {}, by = [], env, sabotage = false } = options
    const modules = [...(options.preload ?? []), ...(sabotage ? (['saboteur'] as const) : [])]
    const command = [
      ...[...by, node],
      ...modules.flatMap(preload),
      ...[commandLine, '-v', '-p', '0', '-h', '127.0.0.1', '-D', dataDir],
      ...(threads ? [] : ['--no-threads']),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]
    this.child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe', ...(sabotage ? (['ipc'] as const) : [])],
      env: { ...process.env, PGLITE_IMPORTS_KERNEL: kernelForTests, ...env },
    })
    this.child.stdout!.on('data', text => {
      this.output += text
    })
    this.child.stderr!.on('data', text => {
      this.log = (this.log + text).slice(-LOG_LENGTH)
    })
    this.exited = once(this.child, 'close').then(
      ([code, signal]) => (code as number | null) ?? (signal as NodeJS.Signals),
    )
  }

  /** Resolves with true once it is ready, or with false if it ends before. */
  async ready(): Promise<boolean> {
    for (;;) {
      const port = /PostgreSQL is ready: \S+:(\d+)\//.exec(this.output)?.[1]
      if (port !== undefined) {
        this.port = Number(port)
        return true
      }
      const next = await inTime(
        'a server that is ready, or has ended',
        Promise.race([once(this.child.stdout!, 'data'), this.exited]),
        this,
      )
      if (!Array.isArray(next)) return false
    }
  }

  /** Resolves with what its log says at the pattern's first group, once it does. */
  async logged(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.log)?.[1]
      if (found !== undefined) return found
      const next = Promise.race([once(this.child.stderr!, 'data'), this.exited])
      if (!Array.isArray(await inTime(`a log with ${pattern}`, next, this))) throw this.failure('ended')
    }
  }

  /** Starts a server that must become ready. */
  static async start(options: ServerOptions): Promise<Server> {
    const server = new Server(options)
    if (await server.ready()) return server
    throw server.failure('did not start')
  }

  async connect(database = 'postgres'): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database,
      connectionTimeoutMillis: PATIENCE,
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  /** Opens a session as soon as the server accepts one, which may have to recover before. */
  async connectAgain(): Promise<pg.Client> {
    const began = Date.now()
    for (;;) {
      try {
        const client = await this.connect()
        await client.query('select 1')
        return client
      } catch (error) {
        if (Date.now() - began > PATIENCE || this.child.exitCode !== null)
          throw new Failure(`it lets no client in: ${(error as Error).message}`, this)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
  }

  /** Does a fault to the server, unless it has ended. Here the caller names processes by their pids. */
  sabotage(what: Message): void {
    const message =
      'kill' in what
        ? { kill: slotOf(what.kill) }
        : 'trap' in what
          ? { ...what, trap: slotOf(what.trap) }
          : what
    this.child.send(message, () => {})
  }

  failure(what: string): Failure {
    return new Failure(`the server ${what} (${this.child.exitCode ?? this.child.signalCode})`, this)
  }

  /** kill -9 of the whole process, or of what runs it. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await inTime('the end of a process that was killed', this.exited, this)
  }

  /** Shuts down; resolves with the exit code. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.child.kill('SIGINT')
    return inTime('a server that shuts down', this.exited, this)
  }
}

/** What the rig has found. */
export class Failure extends Error {
  override name = 'Failure'

  constructor(
    message: string,
    readonly server?: Server,
  ) {
    super(message)
  }
}

export async function inTime<T>(what: string, promise: Promise<T>, server?: Server): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Failure(`waited ${PATIENCE / 1000} s in vain for ${what}`, server)),
      PATIENCE,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
