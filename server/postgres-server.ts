/** A server that accepts connections, as startServer() returns it. */
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Cluster } from '../wasm/cluster/cluster.js'
import { InProcessSocket } from '../wasm/cluster/in-process.js'
import { type ServerControl, serverControl } from './control.js'
import type { DataDirectory } from './data-directory/data-directory.js'
import type { Monitor } from './http/http.js'
import { statusOf } from './http/status.js'
import { hostInUrl, reachableHost } from './network/listen-addresses.js'
import type { Network } from './network/network.js'
import type { DatabasePool, DatabasePoolOptions } from './pools/database-pool.js'
import type { DatabasePools } from './pools/database-pools.js'

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
   * @throws Error in PostgreSQL's words
   */
  servePools(): Promise<void>
  /** Resolves when the server has ended, whatever the reason: to 0 after a shutdown, else to PostgreSQL's exit code. */
  readonly exited: Promise<number>
}

/** What a server consists of. */
export interface ServerParts {
  readonly cluster: Cluster
  readonly directory: DataDirectory
  readonly network: Network
  readonly monitor: Monitor | undefined
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
  const { cluster, directory, network, monitor } = parts
  const streams = new Set<InProcessSocket>()
  let ended = false
  const exited = cluster.exited.then(async code => {
    ended = true
    network.finish()
    for (const stream of streams) stream.finish()
    await cluster.close()
    directory.release()
    monitor?.close()
    return code
  })

  const connect = () => {
    const stream = new InProcessSocket(() => {
      if (ended) throw Object.assign(new Error('the server has stopped'), { code: 'ECONNREFUSED' })
      return cluster.connect()
    })
    streams.add(stream)
    return stream.once('close', () => streams.delete(stream))
  }
  monitor?.watch({
    status: () => statusOf(cluster, network),
    connect,
    accept: peer => network.accept(peer),
    user: address.superuser,
    login: { user: address.user, database: address.database },
  })

  const { user, port, socketDir } = address
  const pools = lazyPools(connect, address.superuser)
  const control = serverControl(cluster, exited)
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
    async servePools() {
      await pools.serve()
    },
    ...control,
    // Before a smart shutdown, which would wait for the sessions of the pools.
    async stop(mode) {
      await pools.close()
      if (mode !== 'immediate') await farewell(streams, () => network.statistics.open)
      await control.stop(mode)
    },
    [Symbol.asyncDispose]() {
      return this.stop()
    },
  }
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
    async close(): Promise<void> {
      const pools = await opening?.catch(() => undefined)
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
