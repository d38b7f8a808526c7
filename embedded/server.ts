/// <reference lib="esnext.disposable" preserve="true" />
/** The whole server on one thread; its processes are coroutines. */
import type { Duplex } from 'node:stream'
import { Cluster, type ListenAddress } from '../wasm/cluster/cluster.js'
import { processType } from '../wasm/cluster/process-type.js'
import type { SessionRefused } from '../wasm/cluster/session-refused.js'
import type { StopMode } from '../wasm/cluster/signals.js'
import { PAGE_SIZE } from '../wasm/machine/abi.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { Coroutines } from '../wasm/machine/coroutines.js'
import { StatementCounter } from '../wasm/protocol/statement-count.js'
import { DATA } from './files.js'
import { type EmbeddedHost, ENVIRONMENT, PID, POSTGRES_PATH } from './host.js'

/** A server on the thread that has made it. */
export interface EmbeddedPostgres {
  /**
   * Opens a connection with a session of its own, for drivers that accept a stream:
   * `new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })` with node-postgres,
   * `postgres({ socket: () => server.connect(), user: 'postgres' })` with postgres.js. Destroying the stream ends the
   * session and rolls back what it has not committed. While there are no connections the server has no timers.
   *
   * In an engine without JSPI there is one session at a time: the stream is destroyed with an error whose `code` is 53300
   * while there is another.
   */
  connect(): Duplex
  /** Shuts the server down, by default in mode 'fast', and resolves when it has freed everything. */
  stop(mode?: StopMode): Promise<void>
  /** stop(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
  /** Resolves when the server has ended, to 0 after a shutdown, else to PostgreSQL's exit code. */
  readonly exited: Promise<number>
  /** All of PostgreSQL's memory, shared and private. */
  readonly memory: WebAssembly.Memory
}

export const stopped = () => Object.assign(new Error('the server has stopped'), { code: 'ECONNREFUSED' })

/** The address at which PostgreSQL believes to listen. Nothing listens there, but a host can pass it clients as if they had connected there. */
const ADDRESS = '127.0.0.1'
const PORT = '5432'

const MAX_PROCESSES = 64

/** Counts since the start of a server. */
export interface Counts {
  /** Connections that the server has accepted, and those that it has refused for want of room. */
  readonly accepted: number
  readonly refused: number
  /** Query, Execute and FunctionCall messages from clients. */
  readonly statements: number
  /** Bytes through connections. */
  readonly received: number
  readonly sent: number
}

/** Makes a connection for a client from outside, or returns undefined when there is no room for one. */
type Accept = (peer: ListenAddress) => ClientSocket | undefined

export class EmbeddedServer {
  /** See EmbeddedPostgres. */
  readonly exited: Promise<number>
  readonly #accept: () => Accept
  #ended = false
  #abandoned: SessionRefused | undefined
  /** Bytes of linear memory that belong to no single process. */
  readonly #shared: number
  #statements = 0
  #accepted = 0
  #refused = 0

  /** @throws Error with PostgreSQL's message when the server does not start */
  static async start(host: EmbeddedHost): Promise<EmbeddedServer> {
    const { module, system, files, durable, settings, maximumPages, log } = host
    let processes: Coroutines | undefined
    let accept: Accept = () => undefined
    const cluster = await Cluster.start({
      host: {
        programs: module.programs,
        scheduler: (setup, heard) => {
          processes = new Coroutines(setup, { system, files, durable }, heard)
          return processes
        },
        postgresPath: POSTGRES_PATH,
        environment: ENVIRONMENT,
        pid: PID,
        maximumPages,
      },
      dataDir: DATA,
      settings: { ...settings, listen_addresses: ADDRESS, port: PORT },
      maxProcesses: MAX_PROCESSES,
      listen: (_address, door) => {
        accept = door.accept
        return Promise.resolve(() => {})
      },
      connect: () =>
        Promise.reject(Object.assign(new Error('this host makes no connections'), { code: 'ENETUNREACH' })),
      resolve: () => Promise.resolve([]),
      onLog: log,
    })
    return new EmbeddedServer(host, cluster, processes!, () => accept)
  }

  private constructor(
    readonly host: EmbeddedHost,
    readonly cluster: Cluster,
    readonly processes: Coroutines,
    accept: () => Accept,
  ) {
    this.#accept = accept
    this.#shared = cluster.memory.buffer.byteLength - cluster.processMemory
    this.exited = cluster.exited.then(async code => {
      this.#ended = true
      await cluster.close()
      return code
    })
  }

  get memory(): WebAssembly.Memory {
    return this.cluster.memory
  }

  /** Bytes of linear memory for processes: all, and roughly how many are left. */
  get room(): { readonly all: number; readonly left: number } {
    const all = this.host.maximumPages * PAGE_SIZE - this.#shared
    return { all, left: all - this.cluster.processMemory }
  }

  /** Checks whether the server must be abandoned. Returns the reason if it was. */
  get abandoned(): SessionRefused | undefined {
    if (!this.#ended && this.#abandoned === undefined) this.host.look?.()
    return this.#abandoned
  }

  /** Gives up the server's timers until resume(): until then background processes sleep. */
  rest(): void {
    this.processes.rest()
  }

  resume(): void {
    this.processes.resume()
  }

  get counts(): Counts {
    const statements = this.#statements
    return { accepted: this.#accepted, refused: this.#refused, statements, ...this.cluster.traffic }
  }

  /** The server's processes, and how many bytes of linear memory belong to each alone. */
  get processMemory(): { readonly pid: number; readonly type: string; readonly memory: number }[] {
    return [...this.cluster.processes()].map(({ pid, args, memory }) => ({
      ...{ pid, memory },
      type: processType(args),
    }))
  }

  /**
   * A connection from inside, which pg_hba.conf sees as `local`.
   *
   * @throws SessionRefused when there is no room for it
   */
  connect(): ClientSocket {
    if (this.#ended) throw stopped()
    try {
      return this.#counted(this.cluster.connect())
    } catch (error) {
      this.refused()
      throw error
    }
  }

  /** A connection of a client from outside, which pg_hba.conf sees as `host`; undefined when there is no room for it. */
  accept(peer: ListenAddress): ClientSocket | undefined {
    if (this.#ended) return undefined
    const socket = this.#accept()(peer)
    if (socket === undefined) this.refused()
    return socket && this.#counted(socket)
  }

  /** Counts a client that was refused for want of room. */
  refused(): void {
    this.#refused++
  }

  #counted(socket: ClientSocket): ClientSocket {
    this.#accepted++
    const counter = new StatementCounter(() => this.#statements++)
    socket.onInput = bytes => counter.add(bytes)
    return socket
  }

  /** Ends all processes at once, without a shutdown: their files are lost or changed, so none of them may go on. */
  abandon(reason: SessionRefused): void {
    this.#abandoned ??= reason
    void this.cluster.close()
  }

  async stop(mode: StopMode): Promise<void> {
    this.resume()
    if (!this.#ended) this.cluster.shutDown(mode)
    await this.exited
  }
}
