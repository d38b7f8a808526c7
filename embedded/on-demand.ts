/**
 * A server that runs only while it has clients. When none has been connected for a while, this class suspends the server: it shuts the
 * server down, so that its memory is freed and no coroutine stays suspended. (An engine keeps the stack of a suspended coroutine for
 * ever, with all that the stack refers to, even when the object around it has been evicted.) When the next client comes, this class
 * starts the server again, and the client waits for that.
 *
 * The server of a cluster in memory is never suspended, because the cluster would be lost. It rests instead: it gives up its timers.
 */
import type { Duplex } from 'node:stream'
import { InProcessSocket } from '../wasm/cluster/in-process.js'
import type { StopMode } from '../wasm/cluster/signals.js'
import { Clients } from './clients.js'
import { type Counts, type EmbeddedPostgres, type EmbeddedServer, stopped } from './server.js'
import { type Seen, vacuumWhatIsDue } from './vacuum.js'

/** Milliseconds without clients after which a server rests. Until then background processes write and flush what the last client did. */
const REST_AFTER = 1000

const NO_MEMORY = new WebAssembly.Memory({ initial: 0 })

export interface OnDemandOptions {
  /** Starts a server on the cluster. */
  start(): Promise<EmbeddedServer>
  /** Whether the cluster outlives its server. */
  readonly kept: boolean
  /** Milliseconds without clients after which the server is suspended; undefined: never, it only rests. */
  readonly suspendAfter: number | undefined
  log(text: string): void
}

export class OnDemandServer implements EmbeddedPostgres {
  readonly exited: Promise<number>
  readonly clients: Clients
  readonly #options: OnDemandOptions
  #server: EmbeddedServer | undefined
  #starting: Promise<EmbeddedServer> | undefined
  #suspending: Promise<void> | undefined
  #stopped = false
  readonly #vacuumed: Seen = new Map()
  #starts = 0
  /** The counts of the servers that have ended. */
  #past: Counts = { accepted: 0, refused: 0, statements: 0, received: 0, sent: 0 }
  #exit: (code: number) => void = () => {}

  /** Starts the server for the first time. @throws what options.start() does */
  static async start(options: OnDemandOptions): Promise<OnDemandServer> {
    return new OnDemandServer(options, await options.start())
  }

  private constructor(options: OnDemandOptions, first: EmbeddedServer) {
    this.#options = options
    this.exited = new Promise(resolve => {
      this.#exit = resolve
    })
    this.#take(first)
    const { suspendAfter } = options
    this.clients = new Clients(suspendAfter ?? REST_AFTER, () =>
      suspendAfter === undefined ? this.#server?.rest() : void this.#suspend(),
    )
  }

  /** The server's memory; while the server is suspended, one without pages. */
  get memory(): WebAssembly.Memory {
    return this.#server?.memory ?? NO_MEMORY
  }

  /** How often the server was started. */
  get starts(): number {
    return this.#starts
  }

  /** The counts of all starts together. */
  get counts(): Counts {
    return this.#server === undefined ? this.#past : sum(this.#past, this.#server.counts)
  }

  /** Returns the server, and starts it if it does not run. The client that asks for it must be among `clients`. */
  reach(): EmbeddedServer | Promise<EmbeddedServer> {
    if (this.#stopped) throw stopped()
    const server = this.running
    if (server === undefined) return this.#begin()
    server.resume()
    return server
  }

  /** The server, if it runs and is not about to end. */
  get running(): EmbeddedServer | undefined {
    const server = this.#server
    return this.#suspending !== undefined || server?.abandoned !== undefined ? undefined : server
  }

  connect(): Duplex {
    const stream = new InProcessSocket(() => {
      const server = this.reach()
      return server instanceof Promise ? server.then(started => started.connect()) : server.connect()
    })
    this.clients.add(stream, reason => stream.finish(reason))
    return stream.once('close', () => this.clients.remove(stream))
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    this.#stopped = true
    await this.#starting?.catch(() => {})
    await this.#suspending
    if (this.#server === undefined) this.#end(0)
    else await this.#server.stop(mode)
    await this.exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Starts the server once, however many clients wait for it. */
  #begin(): Promise<EmbeddedServer> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  async #start(): Promise<EmbeddedServer> {
    await this.#suspending
    // A server that was abandoned ends soon: wait for that.
    await this.#server?.exited
    const server = await this.#options.start()
    this.#take(server)
    if (this.#stopped) throw stopped()
    return server
  }

  #take(server: EmbeddedServer): void {
    this.#server = server
    this.#starts++
    void server.exited.then(code => {
      if (this.#server !== server) return
      this.#past = this.counts
      this.#server = undefined
      // The server has ended by itself, or because it was stopped. If the cluster outlives it, the next client gets another server.
      if (this.#stopped || !this.#options.kept) this.#end(code)
      else if (this.#suspending === undefined) this.clients.finish(server.abandoned)
    })
  }

  #end(code: number): void {
    this.#stopped = true
    this.clients.end()
    this.#exit(code)
  }

  /** Suspends the server, after it has vacuumed. A client that connects while it vacuums keeps it running. */
  async #suspend(): Promise<void> {
    const server = this.#server
    if (server === undefined || this.#suspending !== undefined) return
    await vacuumWhatIsDue(server.cluster, this.#vacuumed).catch((error: Error) =>
      this.#options.log(
        `LOG:  a table could not be vacuumed before the server is suspended: ${error.message}\n`,
      ),
    )
    if (!this.clients.none || this.#stopped || this.#server !== server) return
    this.#suspending = server.stop('fast').then(() => {
      this.#suspending = undefined
    })
    await this.#suspending
  }
}

function sum(some: Counts, others: Counts): Counts {
  return {
    accepted: some.accepted + others.accepted,
    refused: some.refused + others.refused,
    statements: some.statements + others.statements,
    received: some.received + others.received,
    sent: some.sent + others.sent,
  }
}
