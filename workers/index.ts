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
 *
 * @module pglite-imports-server/workers
 */

import { moduleHostOf } from '../embedded/host.js'
import { OnDemandServer } from '../embedded/on-demand.js'
import { type EmbeddedPostgres, EmbeddedServer } from '../embedded/server.js'
import { SingleSession } from '../embedded/single-session.js'
import {
  type InstantiateOptions,
  instantiatePostgres,
  type PostgresModule,
} from '../wasm/cluster/postgres-module.js'
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import { isSqlPath } from '../wasm/queries/neon.js'
import type { Queryable, QueryResult, TransactionOptions } from '../wasm/queries/query.js'
import { type BackupOptions, Backups, type CopyTarget } from './backup.js'
import { type ClusterOptions, maxConnections, openCluster } from './cluster.js'
import { type Metrics, ObjectMetrics } from './metrics.js'
import { type Migrations, migrate } from './migrations.js'
import { Queries } from './queries.js'
import { RemoteAccess } from './remote-access.js'
import { RemoteSessions } from './remote-sessions.js'
import { requireThisRequest } from './request.js'
import { acceptUpgrade, asksForWebSocket, peerOf } from './upgrade.js'

export type { ServerModule } from '../embedded/server-module.js'
export * from '../wasm/cluster/exports.js'
export type { StopMode } from '../wasm/cluster/signals.js'
export { StartupError } from '../wasm/cluster/startup-error.js'
export { METRICS_TYPE, type ProcessMemory } from '../wasm/metrics/metrics.js'
export type { FieldDef, Queryable, QueryResult, TransactionOptions } from '../wasm/queries/query.js'
export type { BackupOptions, CopyTarget } from './backup.js'
export type { ClusterOptions } from './cluster.js'
export { type Metrics, metricsText } from './metrics.js'
export type { DrizzleJournal, DrizzleJournalEntry, Migrations } from './migrations.js'
export type { ObjectSql, ObjectStorage, SqlRow, SqlRows, SqlValue } from './storage/object-storage.js'
export { exportCluster, importCluster } from './transfer.js'

export interface CreatePostgresOptions extends ClusterOptions {
  /**
   * Milliseconds without clients after which the server is suspended: it vacuums and analyses the tables that need it, shuts down and
   * frees its memory; it starts again for the next client. `false`: never. Default: 1000. The server of a cluster in memory is never
   * suspended.
   */
  suspendAfter?: number | false | undefined
  /**
   * The superuser's password, for clients from outside. The server sets or changes it when the first such client connects. Without this
   * option clients can log in only as roles to which SQL has given a password.
   */
  password?: string | undefined
  /**
   * Migrations of the database `postgres`. createPostgres() executes those that were not executed before, and then resolves. If one
   * fails, createPostgres() stops the server and rejects.
   */
  migrations?: Migrations | undefined
  /** Origins whose pages may send queries by HTTP, such as 'https://example.com', or '*' for all. Default: none. */
  cors?: readonly string[] | undefined
}

/** While no client is connected, the server is suspended, and its object can be evicted. */
export interface Postgres extends EmbeddedPostgres, Queryable {
  /**
   * Executes a statement as the superuser, with values for its parameters, in a session that keeps nothing of the statements before it.
   * The server keeps a few such sessions open for a while; when all of them are in use, a statement waits for one.
   *
   * @throws Error with PostgreSQL's fields (`code` is the SQLSTATE), as node-postgres does
   */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
  /**
   * Executes the statements of `use`, one after the other, in a transaction, and rolls it back if `use` throws.
   *
   * @throws what `use` has thrown; Error with `code` 25P02 if a statement has failed and `use` has returned nevertheless
   */
  transaction<T>(use: (session: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Metrics of the server: see also metricsText(). A suspended server is not started for them. */
  metrics(): Promise<Metrics>
  /**
   * Returns the cluster as it is at the moment, as an archive of its data directory for importCluster(), or for `importDataDirectory()` of
   * `pglite-imports-server`. The archive has all that was committed until now, and nothing later. Sessions go on while you read it. Read
   * it to its end, or cancel it: until then the server is not suspended. Unless you compress it, its length is known in advance, which
   * R2's `put()` requires.
   *
   * @throws Error when another backup is being read; the stream fails when the server ends, or when the storage has no room for the old
   *   contents of pages that change meanwhile
   */
  backup(options?: BackupOptions): Promise<ReadableStream<Uint8Array>>
  /**
   * Gives another object a copy of the cluster, by backup().
   *
   * @param target the other object's stub; its class has a method `importCluster(archive)`, which calls the function of that name
   * @throws Error as backup() does, or what the other object throws; then the other object has no cluster
   */
  copyTo(target: CopyTarget): Promise<void>
  /**
   * Stops the server, and tells the platform to restore the whole storage when the object starts again: call `ctx.abort()` when this
   * promise has resolved. If it rejects, the server goes on.
   *
   * @param moment a time of the last 30 days, or a bookmark
   * @returns the bookmark of the moment before the restoration; restore to it to undo the restoration
   */
  restoreTo(moment: Date | string): Promise<string>
  /**
   * Answers a request. A request for a WebSocket, as `@neondatabase/serverless` and `pglite-imports-server --remote` make it, gets one, on
   * which the client speaks PostgreSQL's protocol. A request whose path ends with /sql, as `neon()` of `@neondatabase/serverless` makes
   * it, gets the rows of its queries. Any other gets status 426. Every client needs a password, by SCRAM-SHA-256; the setting
   * `hba_file` can name a pg_hba.conf that refuses more.
   *
   * @param address the client's IP address; by default what Cloudflare says it is
   */
  fetch(request: Request, address?: string): Response | Promise<Response>
}

/** Milliseconds. */
const SUSPEND_AFTER = 1000

/**
 * Starts a server, and resolves when it accepts connections. Outside of a Durable Object only the request that has started the server
 * can use it: the server's methods throw in any other request.
 *
 * @throws StartupError when the storage cannot be used, Error with PostgreSQL's message when the server does not start
 */
export async function createPostgres(options: CreatePostgresOptions): Promise<Postgres> {
  const { storage, suspendAfter = SUSPEND_AFTER, log = () => {} } = options
  if (!hasPromiseIntegration()) return withoutRemoteAccess(await startSingleSession(options))
  let written = 0
  const server = await OnDemandServer.start({
    start: () => startServer(options, () => written++),
    kept: storage !== undefined,
    // With the server a cluster in memory would be lost.
    suspendAfter: storage === undefined || suspendAfter === false ? undefined : suspendAfter,
    log,
  })
  const access = new RemoteAccess(options.password, () => written)
  const remote = new RemoteSessions(server, access, maxConnections(options))
  const queries = new Queries(server, remote, options.cors ?? [])
  if (options.migrations !== undefined)
    await migrate(queries, options.migrations).catch(async error => {
      await server.stop('fast')
      throw error
    })
  return withRemoteAccess(server, remote, {
    queries,
    metrics: new ObjectMetrics(server, queries, options),
    backups: new Backups(server, storage),
  })
}

/** @param onWal called whenever PostgreSQL writes to the cluster's WAL */
async function startServer(options: ClusterOptions, onWal: () => void): Promise<EmbeddedServer> {
  let server: EmbeddedServer | undefined
  const cluster = openCluster(options, { onWal, onLoss: reason => server?.abandon(reason) })
  try {
    server = await EmbeddedServer.start(cluster.host)
    cluster.started()
    void server.exited.then(cluster.release)
    return server
  } catch (error) {
    cluster.release()
    throw error
  }
}

async function startSingleSession(options: ClusterOptions): Promise<SingleSession> {
  const cluster = openCluster(options)
  const session = new SingleSession(cluster.host)
  cluster.started()
  void session.exited.then(cluster.release)
  return session
}

/**
 * Starts one backend without a server. An import handler gives it input, which the backend processes to completion. In an object, what
 * it has written is durable when `storage.sync()` has resolved. When it has ended by PostgresExit, you can start another on the same
 * storage.
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
          // The backend has ended or crashed, and can do nothing any more.
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

interface Services {
  readonly queries: Queries
  readonly metrics: ObjectMetrics
  readonly backups: Backups
}

function withRemoteAccess(
  server: OnDemandServer,
  remote: RemoteSessions,
  { queries, metrics, backups }: Services,
): Postgres {
  const requireRequest = requireThisRequest()
  return {
    exited: server.exited,
    get memory() {
      return server.memory
    },
    connect() {
      requireRequest()
      return server.connect()
    },
    query(text, values) {
      requireRequest()
      return queries.query(text, values)
    },
    transaction(use, options) {
      requireRequest()
      return queries.transaction(use, options)
    },
    metrics() {
      requireRequest()
      return metrics.read()
    },
    backup(options) {
      requireRequest()
      return backups.backup(options)
    },
    copyTo(target) {
      requireRequest()
      return backups.copyTo(target)
    },
    restoreTo(moment) {
      requireRequest()
      return backups.restoreTo(moment)
    },
    fetch(request, address = request.headers.get('CF-Connecting-IP') ?? undefined) {
      requireRequest()
      if (!asksForWebSocket(request) && isSqlPath(new URL(request.url).pathname))
        return queries.answer(request, address)
      return acceptUpgrade(request, (socket, flowControl) =>
        remote.serve(socket, flowControl, peerOf(address)),
      )
    },
    async stop(mode) {
      requireRequest()
      await server.stop(mode)
    },
    [Symbol.asyncDispose]() {
      return this.stop()
    },
  }
}

/** A single session has no postmaster, so nothing could ask a client from outside for a password. */
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
    query: () => Promise.reject(unavailable()),
    transaction: () => Promise.reject(unavailable()),
    metrics: () => Promise.reject(unavailable()),
    backup: () => Promise.reject(unavailable()),
    copyTo: () => Promise.reject(unavailable()),
    restoreTo: () => Promise.reject(unavailable()),
    fetch: () =>
      new Response('connections from outside need JSPI, which this runtime lacks', { status: 501 }),
    stop: () => session.stop(),
    [Symbol.asyncDispose]: () => session.stop(),
  }
}

const unavailable = () =>
  new Error(
    'queries without a connection, metrics and backups need JSPI, which this runtime lacks: use connect()',
  )
