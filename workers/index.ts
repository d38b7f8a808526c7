/**
 * PostgreSQL in a Cloudflare Worker or Durable Object: the whole server, with as many sessions as you like, on its one
 * thread.
 *
 * ```ts
 * import pg from 'pg'
 * import { createPostgres } from 'pglite-imports-server/workers'
 * import module from 'pglite-imports-server/workers/module'
 *
 * const postgres = await createPostgres({ module })
 * const client = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
 * await client.connect()
 * ```
 *
 * `postgres.fetch(request)` lets clients from outside in, by WebSocket.
 */

import { DATA, unpackCluster, unpackServer } from '../embedded/files.js'
import { type EmbeddedHost, moduleHostOf, pagesOf } from '../embedded/host.js'
import { OnDemandServer } from '../embedded/on-demand.js'
import { type EmbeddedPostgres, EmbeddedServer } from '../embedded/server.js'
import type { ServerModule } from '../embedded/server-module.js'
import { SMALL, VOLATILE } from '../embedded/settings.js'
import { SingleSession } from '../embedded/single-session.js'
import {
  type InstantiateOptions,
  instantiatePostgres,
  type PostgresModule,
} from '../wasm/cluster/postgres-module.js'
import { type GivenSettings, settingsText } from '../wasm/cluster/settings.js'
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import { memoryVolume } from '../wasm/machine/volume/memory-files.js'
import { mountedFiles } from '../wasm/machine/volume/mounted-files.js'
import { CloseCode } from '../wasm/protocol/web-socket-protocol.js'
import { HBA, HBA_FILE, RemoteAccess } from './remote-access.js'
import { requireThisRequest } from './request.js'
import { limitedFiles } from './storage/limited-files.js'
import { openObjectCluster } from './storage/object-cluster.js'
import type { ObjectStorage } from './storage/object-storage.js'
import { workersSystem } from './system.js'
import { acceptUpgrade, peerOf } from './upgrade.js'
import { WebSocketConnection } from './web-socket.js'

export type { ServerModule } from '../embedded/server-module.js'
export * from '../wasm/cluster/exports.js'
export type { StopMode } from '../wasm/cluster/signals.js'
export { StartupError } from '../wasm/cluster/startup-error.js'
export type { ObjectStorage } from './storage/object-storage.js'
export { exportCluster, importCluster } from './transfer.js'

/** What a cluster is kept in, and how its server is set. */
export interface ClusterOptions {
  /** What `pglite-imports-server/workers/module` exports. */
  module: ServerModule
  /**
   * Where the cluster is kept: a Durable Object's `ctx.storage`, of a class with SQLite storage. A new cluster is made
   * if it has none; its other tables are left alone. Without it the cluster is in memory, and gone with the server.
   */
  storage?: ObjectStorage | undefined
  /**
   * Bytes of storage, of the object's other tables too, from which on tables and indexes do not grow: statements fail with
   * 53100 (disk_full). Default: 9 GB, which leaves room for WAL below the platform's limit of 10 GB.
   */
  maxSize?: number | undefined
  /**
   * Bytes that PostgreSQL's memory may grow to, of all sessions together: from 40 MB to 4 GB. What needs more fails with 53200
   * (out_of_memory). Default: 96 MB, for a Worker has 128 MB for everything.
   */
  maxMemory?: number | undefined
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html). */
  settings?: GivenSettings | undefined
  /** A function for PostgreSQL's log, called with one or more complete lines. Default: none. */
  log?: ((text: string) => void) | undefined
}

export interface CreatePostgresOptions extends ClusterOptions {
  /**
   * Milliseconds without clients after which the server is suspended: it vacuums and analyses what is due, shuts down and gives back
   * its memory; the next client has it started again. `false`: never. Default: 1000. A cluster in memory is never suspended.
   */
  suspendAfter?: number | false | undefined
  /**
   * The superuser's password, for clients from outside: set, or changed, when the first of them comes. Without it they can
   * log in as roles that have been given a password by SQL, if there are any.
   */
  password?: string | undefined
}

/** While nobody is connected the server is suspended, and its object can be evicted. */
export interface Postgres extends EmbeddedPostgres {
  /**
   * Answers a request by a WebSocket on which the client speaks PostgreSQL's protocol, as `@neondatabase/serverless` and
   * `pglite-imports-server --remote` do, or by status 426 if it asks for none. Who may log in, and how, says
   * pg_hba.conf: everybody who has a password, by SCRAM-SHA-256, unless the setting `hba_file` names another.
   *
   * @param address the client's IP address; by default what Cloudflare says it is
   */
  fetch(request: Request, address?: string): Response
}

const MAX_SIZE = 9e9

/** Milliseconds. */
const SUSPEND_AFTER = 1000

/** Storage writes no page by half (storage/object-store.ts), and is told by fdatasync what must be durable. */
const DURABLE = { full_page_writes: 'off' }
const DURABLE_REQUIRED = { wal_sync_method: 'fdatasync' }

/**
 * Starts a server, and resolves when it accepts connections. `connect()`, `fetch()` and `stop()` of it throw outside of an
 * object, in another request than the one that has started the server.
 *
 * @throws StartupError when the storage cannot be used, Error in PostgreSQL's words when it does not start
 */
export async function createPostgres(options: CreatePostgresOptions): Promise<Postgres> {
  const { storage, suspendAfter = SUSPEND_AFTER, log = () => {} } = options
  if (!hasPromiseIntegration()) return withoutRemoteAccess(startSingleSession(options))
  const server = await OnDemandServer.start({
    start: () => startServer(options),
    // A cluster in memory would be gone.
    suspendAfter: storage === undefined || suspendAfter === false ? undefined : suspendAfter,
    log,
  })
  return withRemoteAccess(server, options.password)
}

async function startServer(options: ClusterOptions): Promise<EmbeddedServer> {
  const cluster = openCluster(options)
  try {
    const server = await EmbeddedServer.start(cluster.host)
    cluster.started()
    void server.exited.then(cluster.release)
    return server
  } catch (error) {
    cluster.release()
    throw error
  }
}

function startSingleSession(options: ClusterOptions): SingleSession {
  const cluster = openCluster(options)
  const session = new SingleSession(cluster.host)
  cluster.started()
  void session.exited.then(cluster.release)
  return session
}

/**
 * One backend and no server: it is given input by an import handler, and runs it to completion. In an object, what it has
 * written is durable when `storage.sync()` has resolved. When it has ended by PostgresExit, another can be made on the storage.
 *
 * @throws StartupError when the storage cannot be used
 */
export async function createPostgresModule(
  options: ClusterOptions & InstantiateOptions,
): Promise<PostgresModule> {
  const cluster = openCluster(options)
  try {
    const { memory, _interactive_one } = await instantiatePostgres(moduleHostOf(cluster.host), options)
    return {
      memory,
      _interactive_one(length, firstByte) {
        try {
          _interactive_one(length, firstByte)
          cluster.started()
        } catch (error) {
          // Ended or crashed: it is of no further use.
          cluster.release()
          throw error
        }
      },
    }
  } catch (error) {
    cluster.release()
    throw error
  }
}

interface OpenCluster {
  readonly host: EmbeddedHost
  /** It has recovered. */
  started(): void
  /** Lets another server have it. */
  release(): void
}

function openCluster(options: ClusterOptions): OpenCluster {
  const { module, storage, maxSize = MAX_SIZE, log = () => {} } = options
  const settings = settingsText(options.settings ?? {})
  const around = memoryVolume()
  unpackServer(module, around)
  around.put(HBA_FILE, new TextEncoder().encode(HBA), 0o600)
  const host = { module, system: workersSystem, maximumPages: pagesOf(options.maxMemory), log }
  const small = { ...SMALL, hba_file: HBA_FILE }
  if (storage === undefined) {
    unpackCluster(module, around, DATA)
    const all = { ...small, ...VOLATILE, ...settings }
    return {
      host: { ...host, files: () => around.files(), settings: all },
      started: () => {},
      release: () => {},
    }
  }
  const { volume, durable, walSegmentSize, release } = openObjectCluster(storage, empty =>
    unpackCluster(module, empty, ''),
  )
  // Not while it recovers: what the WAL says had room before.
  let started = false
  const isFull = () => started && storage.sql.databaseSize > maxSize
  const files = () =>
    mountedFiles(around.files(), [{ at: DATA, layer: limitedFiles(volume.files(), isFull), root: '' }])
  const all = { ...small, ...walSizes(walSegmentSize), ...DURABLE, ...settings, ...DURABLE_REQUIRED }
  return {
    host: { ...host, files, durable, settings: all },
    started: () => {
      started = true
    },
    release,
  }
}

/** As small as PostgreSQL allows; a cluster from elsewhere may have larger segments than ours. */
function walSizes(segment: number): Record<string, string> {
  const megabytes = segment >> 20
  return { min_wal_size: `${2 * megabytes}MB`, max_wal_size: `${Math.max(16, 4 * megabytes)}MB` }
}

function withRemoteAccess(server: OnDemandServer, password: string | undefined): Postgres {
  const requireRequest = requireThisRequest()
  const access = new RemoteAccess(password)
  return {
    exited: server.exited,
    get memory() {
      return server.memory
    },
    connect() {
      requireRequest()
      return server.connect()
    },
    fetch(request, address = request.headers.get('CF-Connecting-IP') ?? undefined) {
      requireRequest()
      return acceptUpgrade(request, (socket, flowControl) => {
        const connection = new WebSocketConnection(
          socket,
          {
            connect: async () => (await server.reach()).accept(peerOf(address)),
            possible: async () => access.possible((await server.reach()).cluster),
            flowControl,
          },
          () => server.clients.remove(connection),
        )
        server.clients.add(connection, () => connection.finish(CloseCode.GoingAway, 'the server has stopped'))
      })
    },
    async stop(mode) {
      requireRequest()
      await server.stop(mode)
    },
  }
}

/** A single session has nobody who would ask for a password. */
function withoutRemoteAccess(session: SingleSession): Postgres {
  const requireRequest = requireThisRequest()
  return {
    exited: session.exited,
    get memory() {
      return session.memory
    },
    connect() {
      requireRequest()
      return session.connect()
    },
    fetch: () =>
      new Response('connections from outside need JSPI, which this runtime has not', { status: 501 }),
    stop: () => session.stop(),
  }
}
