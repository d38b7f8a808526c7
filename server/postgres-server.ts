/** A server that accepts connections, as startServer() returns it. */
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Cluster } from '../wasm/cluster/cluster.js'
import { InProcessSocket } from '../wasm/cluster/in-process.js'
import type { FileGate } from '../wasm/node/file-gate.js'
import type { BranchOptions, ClusterSnapshot } from './branches/options.js'
import { RestorableCluster } from './branches/restorable-cluster.js'
import type { ClusterSource, RunningSource } from './branches/source.js'
import { type ServerControl, serverControl } from './control.js'
import type { DataDirectory } from './data-directory/data-directory.js'
import type { Monitor } from './http/http.js'
import { statusOf } from './http/status.js'
import { ownLog } from './log.js'
import { hostInUrl, reachableHost } from './network/listen-addresses.js'
import type { Network } from './network/network.js'
import type { Tls } from './network/tls.js'
import type { StartServerOptions } from './options.js'
import type { DatabasePool, DatabasePoolOptions } from './pools/database-pool.js'
import type { DatabasePools } from './pools/database-pools.js'
import type { PoolsOptions } from './pools/template-sql.js'

export interface PostgresServer extends ServerControl {
  /** stop(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
  /** Connection string for clients on this machine. Without TCP and unix socket it names a host that does not exist. */
  readonly url: string
  /** The role in `url`. */
  readonly user: string
  /** A host that clients on this machine can connect to, or '' without TCP. */
  readonly host: string
  /** The TCP port, which is also in the name of the unix socket. */
  readonly port: number
  /** Path of the unix socket, if there is one. */
  readonly socketPath: string | undefined
  /** URL of the monitor, without a path, if there is one. */
  readonly httpUrl: string | undefined
  /** URL of the console, with the token that opens it, if there is one. */
  readonly consoleUrl: string | undefined
  /** Absolute path of the data directory. */
  readonly dataDir: string
  /** Whether the cluster is removed when the server stops. */
  readonly ephemeral: boolean
  /**
   * A connection without a network, for drivers that accept a stream:
   * `new pg.Client({ stream: () => server.connect(), user: 'postgres' })` with node-postgres;
   * `postgres({ socket: () => server.connect(), user: 'postgres' })` with postgres.js, whose types lack that option. To
   * pg_hba.conf it is a `local` connection. If the server has stopped, the stream is destroyed with an error (ECONNREFUSED).
   */
  connect(): Duplex
  /**
   * Keeps clones of a database ready, for tests that want one each. Call it again when the template has changed: the server then replaces
   * the clones that no client has taken. Other processes take databases from the same pool by SQL (docs/testing.md).
   *
   * @throws Error in PostgreSQL's words
   */
  databases(options: DatabasePoolOptions): Promise<DatabasePool>
  /**
   * Lets clients make pools and take databases by SQL (docs/testing.md); databases() includes this.
   *
   * @throws Error in PostgreSQL's words; StartupError with the first error in a file of `templateSql`
   */
  servePools(options?: PoolsOptions): Promise<void>
  /**
   * Keeps what the cluster is at this moment, while the server goes on: branch() and restore() go back to it. What has been committed by now is
   * in it; unlogged tables are empty in it, as after a crash. In an ephemeral cluster it takes up only what is changed later; otherwise the
   * file system decides whether its files are shared. It is removed by its remove(), or with this process.
   *
   * @throws StartupError in PostgreSQL's words, when the server is a standby, or when it has stopped
   */
  snapshot(): Promise<ClusterSnapshot>
  /**
   * Starts a second server on a copy of this cluster, as it is at this moment or was when a snapshot was made. Without `dataDir` the copy is
   * ephemeral. A copy of an ephemeral cluster takes up only what either changes. Two settings are off in it unless the options say
   * otherwise, so that it does not do what the original does: archive_mode, and subscriptions (max_logical_replication_workers).
   *
   * @param options those of this server's that say how PostgreSQL works hold for the branch, unless others are given; `port` is any free one
   * @throws as snapshot() and startServer() do
   */
  branch(options?: BranchOptions): Promise<PostgresServer>
  /**
   * Makes the cluster what it was when the snapshot was made. All sessions end, and pools with them; clients that connect meanwhile wait. In a data
   * directory the cluster stays as it was if the process is killed before all files are there.
   *
   * @throws StartupError when the snapshot has been removed, or PostgreSQL does not start
   */
  restore(snapshot: ClusterSnapshot): Promise<void>
  /** Resolves when the server has ended, whatever the reason: to 0 after a shutdown, else to PostgreSQL's exit code. */
  readonly exited: Promise<number>
}

/** What a server consists of. */
export interface ServerParts {
  readonly cluster: Cluster
  /** Starts another cluster on the same directory, after the first has ended. */
  readonly again: () => Promise<Cluster>
  /** The gate of the directory's files. */
  readonly gate: FileGate
  readonly directory: DataDirectory
  readonly network: Network
  readonly tls: Tls
  readonly monitor: Monitor | undefined
  /** What the server was started with. */
  readonly options: StartServerOptions
  /** Starts another server, on a copy of a cluster. */
  readonly start: (options: StartServerOptions, source: ClusterSource) => Promise<PostgresServer>
}

/** What a connection string is made from. */
export interface ServerAddress {
  /** The first host that the server listens on; '' without TCP. */
  readonly host: string
  readonly port: number
  /** The directory of the unix socket, '' without one. */
  readonly socketDir: string
  readonly superuser: string
  readonly user: string
  readonly database: string
}

export function postgresServer(parts: ServerParts, address: ServerAddress): PostgresServer {
  const { directory, network, tls, monitor } = parts
  const streams = new Set<InProcessSocket>()
  const running = new RestorableCluster(parts, () => {
    for (const stream of streams) stream.finish()
  })
  const exited = running.exited.then(async code => {
    network.finish()
    for (const stream of streams) stream.finish()
    await running.cluster.close()
    directory.release()
    monitor?.close()
    return code
  })

  const connect = () => {
    const stream = new InProcessSocket(() => running.connect())
    streams.add(stream)
    return stream.once('close', () => streams.delete(stream))
  }
  monitor?.watch({
    status: () => statusOf(running.cluster, network),
    connect,
    accept: peer => network.accept(peer),
    user: address.superuser,
    login: { user: address.user, database: address.database },
    tls,
  })

  const { user, port, socketDir } = address
  const pools = lazyPools(connect, address.superuser)
  const control = serverControl(() => running.cluster, exited)
  const source = { ...parts, connect, user: address.superuser }
  directory.answer(({ branch }) => answer(source, branch))
  const host = reachableHost(address.host)
  return {
    url: urlOf({ ...address, host }),
    user,
    host,
    port,
    socketPath: socketDir === '' ? undefined : join(socketDir, `.s.PGSQL.${port}`),
    dataDir: directory.path,
    ephemeral: directory.ephemeral,
    exited,
    httpUrl: monitor?.url,
    consoleUrl: monitor?.consoleUrl,
    connect,
    async databases(options) {
      const [{ openPool }, serving] = await Promise.all([import('./pools/database-pool.js'), pools.serve()])
      return openPool(serving, options, name => urlOf({ ...address, host, database: name }))
    },
    async servePools({ templateSql } = {}) {
      const serving = await pools.serve()
      if (templateSql === undefined) return
      const { serveTemplate } = await import('./pools/template-sql.js')
      const { superuser } = address
      const log = ownLog(parts.options.log)
      await serveTemplate(serving, { cluster: running.cluster, superuser, log }, templateSql)
    },
    ...copies(source, parts.start),
    restore: snapshot =>
      running.restart(async () => {
        const { restorer } = await import('./branches/restore.js')
        const refill = restorer(directory, snapshot)
        await pools.close()
        return refill
      }),
    ...control,
    // Before a smart shutdown, which would wait for the sessions of the pools.
    async stop(mode) {
      await running.settled()
      await pools.close()
      if (mode !== 'immediate') await farewell(streams, () => network.statistics.open)
      await control.stop(mode)
    },
    [Symbol.asyncDispose]() {
      return this.stop()
    },
  }
}

/** The methods that copy the cluster. */
function copies(
  source: RunningSource,
  start: ServerParts['start'],
): Pick<PostgresServer, 'snapshot' | 'branch'> {
  return {
    async snapshot() {
      const { snapshotOf } = await import('./branches/snapshot.js')
      return snapshotOf(source)
    },
    async branch(options = {}) {
      const { branchOf } = await import('./branches/branch.js')
      return branchOf(source, options, start)
    },
  }
}

/** Copies the cluster into another directory, for a command. */
async function answer(source: RunningSource, target: string): Promise<readonly string[]> {
  const { answerBranch } = await import('./branches/directory-branch.js')
  return answerBranch(source, target)
}

/** Milliseconds for which stop() waits for clients that leave, and between two looks whether one has left. */
const FAREWELL = 1000
const LOOK = 50

/**
 * Waits for clients that are disconnecting, before a shutdown that would end their sessions. node-postgres' `pool.end()` resolves when it has
 * sent Terminate, not when the sessions have ended. If the shutdown ended a backend in between, the pool would get an error that no listener
 * handles, and Node would end the program. A stream shows by its end that its client disconnects, other clients by becoming fewer.
 *
 * @param others how many clients there are beside the streams'
 */
async function farewell(streams: ReadonlySet<InProcessSocket>, others: () => number): Promise<void> {
  const until = performance.now() + FAREWELL
  for (let before = Number.POSITIVE_INFINITY; performance.now() < until; ) {
    const now = others() + streams.size
    const leaving = [...streams].some(stream => stream.writableEnded)
    if (now === 0 || (now >= before && !leaving)) break
    before = now
    await new Promise(resolve => setTimeout(resolve, LOOK))
  }
}

/** The pools of a server. They open sessions of their own when they are used for the first time. */
function lazyPools(connect: () => Duplex, user: string) {
  let opening: Promise<DatabasePools> | undefined
  return {
    serve(): Promise<DatabasePools> {
      opening ??= import('./pools/database-pools.js').then(({ DatabasePools }) =>
        DatabasePools.open(connect, user),
      )
      return opening
    },
    /** They can be opened again. */
    async close(): Promise<void> {
      const pools = await opening?.catch(() => undefined)
      opening = undefined
      await pools?.close()
    },
  }
}

/**
 * The host in the URL of a server with neither TCP nor a unix socket. With a URL without a host, drivers would connect to this machine,
 * where another server may run. No host has such a name (RFC 2606).
 */
const NO_NETWORK = 'no-network.invalid'

function urlOf({ host, port, socketDir, user, database }: ServerAddress): string {
  const [role, path] = [encodeURIComponent(user), encodeURIComponent(database)]
  if (host === '' && socketDir === '') return `postgres://${role}@${NO_NETWORK}:${port}/${path}`
  if (host === '') return `postgres://${role}@/${path}?host=${encodeURIComponent(socketDir)}&port=${port}`
  return `postgres://${role}@${hostInUrl(host)}:${port}/${path}`
}
