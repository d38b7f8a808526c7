/** A worker that has opened a cluster: it owns the cluster, or waits until it can. */
import type { Duplex } from 'node:stream'
import { takeSnapshot } from '../embedded/backup.js'
import { OnDemandServer } from '../embedded/on-demand.js'
import { type EmbeddedPostgres, EmbeddedServer } from '../embedded/server.js'
import { SingleSession } from '../embedded/single-session.js'
import { exportFiles } from '../wasm/cluster/cluster-archive.js'
import { SessionRefused } from '../wasm/cluster/session-refused.js'
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import { Client } from './client.js'
import { openCluster, type ServerOptions } from './cluster.js'
import { take, takeIfFree } from './locks.js'
import type { Names } from './names.js'
import { Owner } from './owner.js'

/** The options of openPostgres(). */
export interface OpenOptions extends ServerOptions {
  /**
   * Milliseconds without clients after which the server is suspended: it vacuums and analyses the tables that need it, shuts down and
   * frees its memory; it starts again for the next client. `false`: never. Default: 1000.
   */
  suspendAfter?: number | false | undefined
}

/** Milliseconds. */
const SUSPEND_AFTER = 1000

export class Tab {
  readonly owned: Promise<void>
  readonly #client: Client
  readonly #stopping = new AbortController()
  #owner: Owner | undefined
  #stopped: Promise<void> | undefined

  /** @throws what the server's start does, if this worker owns the cluster at once */
  static async open(names: Names, options: OpenOptions): Promise<Tab> {
    const release = await takeIfFree(names.lock)
    const tab = new Tab(names, options, release)
    if (release !== undefined) await tab.owned
    return tab
  }

  private constructor(names: Names, options: OpenOptions, release: (() => void) | undefined) {
    this.#client = new Client(names)
    this.owned = this.#own(names, options, release)
    this.owned.catch(error => this.#client.fail(error))
  }

  get owner(): boolean {
    return this.#owner !== undefined
  }

  connect(): Duplex {
    return this.#owner?.server.connect() ?? this.#client.connect()
  }

  async backup(): Promise<ReadableStream<Uint8Array>> {
    const server = this.#owner?.server
    if (!(server instanceof OnDemandServer))
      throw new Error(
        server === undefined
          ? 'another tab runs the server: back the cluster up there'
          : 'this JavaScript engine cannot suspend WebAssembly (JSPI): stop the server, and export the cluster',
      )
    const { snapshot, done } = await takeSnapshot(server)
    return exportFiles(snapshot.files, '', done, () => snapshot.check())
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #own(names: Names, options: OpenOptions, taken: (() => void) | undefined): Promise<void> {
    const release = taken ?? (await take(names.lock, this.#stopping.signal))
    try {
      const server = await startServer(names.cluster, options)
      this.#owner = await Owner.begin(names, server)
      void server.exited.then(release)
    } catch (error) {
      release()
      throw error
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    await this.owned.catch(() => {})
    this.#client.end()
    await this.#owner?.end()
  }
}

async function startServer(name: string, options: OpenOptions): Promise<EmbeddedPostgres> {
  const { suspendAfter = SUSPEND_AFTER, log = () => {} } = options
  let closing = Promise.resolve()
  const start = async <T extends { readonly exited: Promise<unknown> }>(
    begin: (cluster: Awaited<ReturnType<typeof openCluster>>) => Promise<T>,
    onFailure: () => void,
  ): Promise<T> => {
    await closing
    const cluster = await openCluster(name, options, onFailure)
    try {
      const server = await begin(cluster)
      closing = server.exited.then(() => cluster.close().catch(error => log(`LOG:  ${error.message}\n`)))
      return server
    } catch (error) {
      await cluster.close()
      throw error
    }
  }
  if (!hasPromiseIntegration())
    return start(
      async ({ host }) => new SingleSession(host),
      () => {},
    )
  return OnDemandServer.start({
    async start() {
      let server: EmbeddedServer | undefined
      server = await start(
        ({ host }) => EmbeddedServer.start(host),
        () => server?.abandon(FAILED),
      )
      return server
    },
    kept: true,
    suspendAfter: suspendAfter === false ? undefined : suspendAfter,
    log,
  })
}

/** What clients get when the storage has failed. */
const FAILED = new SessionRefused(
  '58030',
  "terminating connection because the browser's storage has failed",
  'The next connection starts the server again, on what the storage has.',
)
