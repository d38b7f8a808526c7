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
import type { Duplex } from 'node:stream'
import { identified, newSystemIdentifier } from '../server/control-file.js'
import { InProcessSocket } from '../server/in-process.js'
import { failureIn } from '../server/log.js'
import { CloseCode } from '../server/web-socket-protocol.js'
import type { ClientSocket } from '../wasm/client-socket.js'
import { Cluster, type ListenAddress, StartError } from '../wasm/cluster.js'
import { type CoroutineHost, Coroutines } from '../wasm/coroutines.js'
import { memoryVolume } from '../wasm/host/memory-files.js'
import { mountedFiles } from '../wasm/host/mounted-files.js'
import type { Volume } from '../wasm/host/volume.js'
import { type Bundle, bundledFiles } from './bundle.js'
import { limitedFiles } from './limited-files.js'
import { openObjectCluster } from './object-cluster.js'
import type { ObjectStorage } from './object-files.js'
import { HBA, HBA_FILE, RemoteAccess } from './remote-access.js'
import { requireThisRequest } from './request.js'
import { workersSystem } from './system.js'
import { acceptUpgrade, peerOf } from './upgrade.js'
import { WebSocketConnection } from './web-socket.js'

export { StartupError } from '../server/startup-error.js'
export type { Bundle } from './bundle.js'
export type { ObjectStorage } from './object-files.js'
export { exportCluster, importCluster } from './transfer.js'

export interface CreatePostgresOptions {
  /** What `pglite-imports-server/workers/module` exports. */
  module: Bundle
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
   * The superuser's password, for clients from outside: set, or changed, when the first of them comes. Without it they can
   * log in as roles that have been given a password by SQL, if there are any.
   */
  password?: string | undefined
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html). */
  settings?: Readonly<Record<string, string | number | boolean>> | undefined
  /** A function for PostgreSQL's log, called with one or more complete lines. Default: none. */
  log?: ((text: string) => void) | undefined
}

/** How to shut down, as in pg_ctl. */
export type StopMode = 'smart' | 'fast' | 'immediate'

export interface Postgres {
  /**
   * A connection, a session of its own, for drivers that can be given a stream:
   * `new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })` with node-postgres,
   * `postgres({ socket: () => server.connect(), user: 'postgres' })` with postgres.js. Destroying the stream ends the
   * session and rolls back what it has not committed. While there are no connections the server has no timers, so that an
   * object can be evicted.
   *
   * @throws Error outside of an object, in another request than the one that has started the server
   */
  connect(): Duplex
  /**
   * Answers a request by a WebSocket on which the client speaks PostgreSQL's protocol, as `@neondatabase/serverless` and
   * `pglite-imports-server --remote` do, or by status 426 if it asks for none. Who may log in, and how, says
   * pg_hba.conf: everybody who has a password, by SCRAM-SHA-256, unless the setting `hba_file` names another.
   *
   * @param address the client's IP address; by default what Cloudflare says it is
   */
  fetch(request: Request, address?: string): Response
  /** Shuts down, in mode 'fast' unless said otherwise, and resolves when everything is freed. */
  stop(mode?: StopMode): Promise<void>
  /** Resolves when the server has ended: 0 after a shutdown, else PostgreSQL's exit code. */
  readonly exited: Promise<number>
  /** All of PostgreSQL's memory, shared and private. */
  readonly memory: WebAssembly.Memory
}

const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const

const DATA = '/data'
/** What PostgreSQL takes for its address. Nothing listens there: connections come by fetch(). */
const ADDRESS = '127.0.0.1'
const PORT = '5432'
/** Its own, of which there is no other in here. */
const PID = 1

/** A Worker has 128 MB for everything. In pages of 64 KiB. */
const MAXIMUM_PAGES = 1536

const MAX_PROCESSES = 64

/** What suits a small memory and a single thread. */
const SMALL: Readonly<Record<string, string>> = {
  max_connections: '20',
  shared_buffers: '2MB',
  wal_buffers: '256kB',
  maintenance_work_mem: '8MB',
  min_wal_size: '2MB',
  max_wal_size: '16MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  max_logical_replication_workers: '0',
  max_worker_processes: '0',
  max_parallel_workers: '0',
  autovacuum_worker_slots: '1',
  autovacuum_max_workers: '1',
  hba_file: HBA_FILE,
  // A client that is gone should not keep a processor busy that all share.
  client_connection_check_interval: '5s',
}

const MAX_SIZE = 9e9

/** For a cluster that nobody will see again after a crash. */
const VOLATILE = { fsync: 'off', full_page_writes: 'off' }

/** Storage writes no page by half (object-files.ts), and is told by fdatasync what must be durable. */
const DURABLE = { full_page_writes: 'off' }
const DURABLE_REQUIRED = { wal_sync_method: 'fdatasync' }

/**
 * Starts a server, and resolves when it accepts connections.
 *
 * @throws StartupError when the storage cannot be used, Error in PostgreSQL's words when it does not start
 */
export async function createPostgres(options: CreatePostgresOptions): Promise<Postgres> {
  const { module, storage, maxSize = MAX_SIZE, password, log = () => {} } = options
  const settings = textOf(options.settings ?? {})
  const around = memoryVolume()
  unpackServer(module, around)
  if (storage === undefined) {
    unpackCluster(module, around, DATA)
    const all = { ...SMALL, ...VOLATILE, ...settings }
    return running(await startCluster(module, around, all, log), password)
  }
  const { volume, durable, walSegmentSize, release } = openObjectCluster(storage, empty =>
    unpackCluster(module, empty, ''),
  )
  // Not while it recovers: what the WAL says had room before.
  let started = false
  const isFull = () => started && storage.sql.databaseSize > maxSize
  const files = () =>
    mountedFiles(around.files(), [{ at: DATA, layer: limitedFiles(volume.files(), isFull), root: '' }])
  try {
    const all = { ...SMALL, ...walSizes(walSegmentSize), ...DURABLE, ...settings, ...DURABLE_REQUIRED }
    const postgres = running(await startCluster(module, { files, durable }, all, log), password)
    started = true
    void postgres.exited.then(release)
    return postgres
  } catch (error) {
    release()
    throw error
  }
}

/** As small as PostgreSQL allows; a cluster from elsewhere may have larger segments than ours. */
function walSizes(segment: number): Record<string, string> {
  const megabytes = segment >> 20
  return { min_wal_size: `${2 * megabytes}MB`, max_wal_size: `${Math.max(16, 4 * megabytes)}MB` }
}

function textOf(settings: NonNullable<CreatePostgresOptions['settings']>): Record<string, string> {
  const text = (value: string | number | boolean) =>
    typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, text(value)]))
}

/** The server's own files, and a place for temporary ones. */
function unpackServer(module: Bundle, volume: Volume): void {
  const files = volume.files()
  files.mkdir('/tmp', 0o777)
  for (const { path, content } of bundledFiles(module.files)) {
    if (isOfCluster(path)) continue
    if (content === undefined) files.mkdir(path, 0o700)
    else volume.put(path, content, 0o700)
  }
  volume.put(HBA_FILE, new TextEncoder().encode(HBA), 0o600)
}

/** A new cluster, with an identity of its own, in this directory; it is made unless it is the root, ''. */
function unpackCluster(module: Bundle, volume: Volume, directory: string): void {
  const files = volume.files()
  const systemIdentifier = newSystemIdentifier()
  for (const { path, content } of bundledFiles(module.files)) {
    if (!isOfCluster(path)) continue
    const place = directory + path.slice(DATA.length)
    if (content !== undefined) volume.put(place, identified(path, content, systemIdentifier), 0o600)
    else if (place !== '') files.mkdir(place, 0o700)
  }
}

function isOfCluster(path: string): boolean {
  return path === DATA || path.startsWith(`${DATA}/`)
}

/** Makes a connection for a client from outside, or returns undefined when there is no room for one. */
type Accept = (peer: ListenAddress) => ClientSocket | undefined

interface Started {
  readonly cluster: Cluster
  readonly processes: Coroutines
  readonly accept: Accept
}

async function startCluster(
  module: Bundle,
  { files, durable }: Pick<CoroutineHost, 'files' | 'durable'>,
  settings: Readonly<Record<string, string>>,
  onLog: (text: string) => void,
): Promise<Started> {
  let processes: Coroutines | undefined
  let accept: Accept = () => undefined
  try {
    const cluster = await Cluster.start({
      host: {
        programs: module.programs,
        scheduler: (setup, heard) => {
          processes = new Coroutines(setup, { system: workersSystem, files, durable }, heard)
          return processes
        },
        postgresPath: '/pgsql/bin/postgres',
        environment: { PATH: '/pgsql/bin', LC_ALL: 'C', TZ: 'UTC' },
        pid: PID,
        maximumPages: MAXIMUM_PAGES,
      },
      dataDir: DATA,
      settings: { ...settings, listen_addresses: ADDRESS, port: PORT },
      maxProcesses: MAX_PROCESSES,
      listen: (_address, take) => {
        accept = take
        return Promise.resolve(() => {})
      },
      connect: () => Promise.reject(Object.assign(new Error('no way out'), { code: 'ENETUNREACH' })),
      resolve: () => Promise.resolve([]),
      onLog,
    })
    return { cluster, processes: processes!, accept }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    throw new Error(failureIn(error.log) ?? `${error.message}: ${error.log.trimEnd().split('\n').at(-1)}`)
  }
}

/** Milliseconds after which timers are given up when the last client has gone: for what it did to be written and flushed. */
const LINGER = 1000

function running({ cluster, processes, accept }: Started, password: string | undefined): Postgres {
  const requireRequest = requireThisRequest()
  const streams = new Set<InProcessSocket>()
  const webSockets = new Set<WebSocketConnection>()
  const access = new RemoteAccess(cluster, password)
  let ended = false
  let lingering: ReturnType<typeof setTimeout> | undefined
  const linger = () => {
    clearTimeout(lingering)
    if (!ended && streams.size + webSockets.size === 0) lingering = setTimeout(() => processes.rest(), LINGER)
  }
  const wake = () => {
    clearTimeout(lingering)
    processes.resume()
  }
  const exited = cluster.exited.then(async code => {
    ended = true
    clearTimeout(lingering)
    for (const stream of streams) stream.finish()
    for (const socket of webSockets) socket.finish(CloseCode.GoingAway, 'the server has stopped')
    await cluster.close()
    return code
  })
  linger()
  return {
    exited,
    memory: cluster.memory,
    connect() {
      requireRequest()
      const stream = new InProcessSocket(() => {
        if (ended) throw Object.assign(new Error('the server has stopped'), { code: 'ECONNREFUSED' })
        return cluster.connect()
      })
      streams.add(stream)
      wake()
      return stream.once('close', () => {
        streams.delete(stream)
        linger()
      })
    },
    fetch(request, address = request.headers.get('CF-Connecting-IP') ?? undefined) {
      requireRequest()
      return acceptUpgrade(request, (socket, flowControl) => {
        wake()
        const connection = new WebSocketConnection(
          socket,
          {
            connect: () => (ended ? undefined : accept(peerOf(address))),
            possible: () => access.possible(),
            flowControl,
          },
          () => {
            webSockets.delete(connection)
            linger()
          },
        )
        webSockets.add(connection)
      })
    },
    async stop(mode = 'fast') {
      requireRequest()
      wake()
      if (!ended) cluster.signal(SIGNALS[mode])
      await exited
    },
  }
}
