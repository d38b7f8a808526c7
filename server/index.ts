/**
 * The library: start a PostgreSQL server in this process.
 *
 * ```ts
 * import { startServer } from 'pglite-imports-server'
 *
 * const server = await startServer({ dataDir: './data', port: 0 })
 * const client = new pg.Client(server.url)                                // through TCP
 * const inside = new pg.Client({ stream: () => server.connect(), user: 'postgres' })   // through no network
 * await server.stop()
 * ```
 */
import { existsSync } from 'node:fs'
import { join, resolve as resolvePath } from 'node:path'
import type { Duplex } from 'node:stream'
import { Cluster, type Door, type ListenAddress, StartError } from '../wasm/cluster/cluster.js'
import { InProcessSocket } from '../wasm/cluster/in-process.js'
import { failureIn } from '../wasm/cluster/log.js'
import type { Signal, StopMode } from '../wasm/cluster/signals.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER } from '../wasm/cluster/superuser.js'
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import type { LogFormat, LogSink } from '../wasm/machine/log-collector.js'
import { artefactsDir, loadPrograms } from '../wasm/node/artefacts.js'
import { confinedFiles } from '../wasm/node/confined-files.js'
import { nodeHost } from '../wasm/node/host.js'
import { ThreadPool } from '../wasm/node/thread-pool.js'
import { configuredSettings } from './configuration.js'
import { createEphemeralDirectory, type DataDirectory, openDataDirectory } from './data-directory.js'
import { admitOthers, refuseExposure, refuseTrust } from './exposure.js'
import { fileAccess } from './file-access.js'
import { setFirstPassword } from './first-password.js'
import type { HttpOptions, Monitor } from './http.js'
import { initdb } from './initdb.js'
import { bindAll, numericAddresses, portOf, sameAddress } from './listen-addresses.js'
import { Listener, type ListenerStatistics } from './listener.js'
import type { ServerStatus } from './metrics.js'
import { filesPerProcess } from './open-files.js'
import { Outgoing, resolve } from './outgoing.js'
import { ensureSelfSigned } from './self-signed.js'
import { Tls } from './tls.js'

export { exportDataDirectory, importDataDirectory } from './data-transfer.js'
export { type LogFormat, StartupError }

export interface StartServerOptions {
  /**
   * The directory of the cluster. A missing or empty one gets a new cluster; one of a native PostgreSQL 18 can be used as it
   * is. Default: an ephemeral cluster, which is removed by stop() or when this process exits and does not wait for the
   * disk (fsync = off). It lies in memory (/dev/shm) on Linux if at least 1 GiB is free there and TMPDIR is not set, else
   * in the system's temporary directory.
   */
  dataDir?: string | undefined
  /** The TCP port, 0 for any free one. Default: that of postgresql.conf, else 5432. */
  port?: number | undefined
  /**
   * Where to listen: a name or address, several separated by commas, '*' for all addresses of this machine, or '' for no TCP.
   * Default: what postgresql.conf says, else 'localhost', which is 127.0.0.1 and ::1. Who may connect from elsewhere is up
   * to pg_hba.conf.
   */
  host?: string | undefined
  /**
   * The password of the superuser, for a new cluster: clients that come by TCP are then asked for it, from wherever they come.
   * Default: none. Then clients of this machine are let in as whoever they say they are, and others are not.
   */
  password?: string | undefined
  /**
   * Have other machines connect though the cluster has neither password nor TLS, as anybody they say they are; without it
   * the server refuses to listen for them. Default: false.
   */
  insecureListen?: boolean | undefined
  /** A directory for a unix socket as well, named .s.PGSQL.<port> in it. Default: as in postgresql.conf, else none. */
  unixSocketDir?: string | undefined
  /**
   * TLS with this certificate and key, files in PEM; `ca` verifies the certificates that clients may have. As PostgreSQL's
   * settings ssl, ssl_cert_file, ssl_key_file and ssl_ca_file, and read again by reload(). 'self-signed': with
   * server.crt and server.key in the data directory, which are made if missing. Default: what postgresql.conf says.
   */
  tls?: { cert: string; key: string; ca?: string | undefined } | 'self-signed' | undefined
  /**
   * Directories outside of the cluster's that SQL may read and write, by COPY, as tablespaces, …, within PostgreSQL's own
   * rights: superusers, and members of pg_read_server_files and pg_write_server_files. Default: none.
   */
  allowDirs?: readonly string[] | undefined
  /** How many clients at once, as PostgreSQL's max_connections. */
  maxConnections?: number | undefined
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html), stronger than postgresql.conf. */
  settings?: Readonly<Record<string, string | number | boolean>> | undefined
  /** The same, for what postgresql.conf does not set. */
  defaults?: Readonly<Record<string, string>> | undefined
  /**
   * Whether each of PostgreSQL's processes runs on a thread of its own, as by default. Otherwise all run on the caller's,
   * taking turns, which needs Node 24 or later.
   */
  threads?: boolean | undefined
  /**
   * Where PostgreSQL's log goes: to this process' stderr, to a function, line by line, or nowhere, the default. What is
   * logged, and in which format, is up to PostgreSQL's settings; log_destination may be stderr, jsonlog or csvlog.
   */
  log?: 'stderr' | false | ((line: string, format: LogFormat) => void) | undefined
  /** Serve /health, /ready and /metrics by HTTP as well. Default: no. */
  http?: HttpOptions | undefined
  /** Called once PostgreSQL runs, long before startServer() resolves, with what can be done to it until then. */
  onStarting?: ((server: ServerControl) => void) | undefined
  /**
   * The superuser's name, by which the server sets the password and asks for its metrics. A new cluster gets it; for an
   * existing one it has to be said where it is another. Default: 'postgres'.
   */
  superuser?: string | undefined
  /** The role in `url`. Default: the superuser. */
  user?: string | undefined
  /** The database in `url`. Default: 'postgres', which a new cluster has. */
  database?: string | undefined
}

export type { Signal, StopMode }

/** What can be done to a server from when PostgreSQL runs, long before it accepts connections. */
export interface ServerControl {
  /**
   * Shuts down, in mode 'fast' unless said otherwise, and resolves when everything is closed and freed. May be called again
   * with a more urgent mode.
   */
  stop(mode?: StopMode): Promise<void>
  /** Has PostgreSQL read its configuration files again. */
  reload(): void
  /** Has PostgreSQL look for a request that pg_ctl has left as a file, such as to promote a standby. */
  checkRequests(): void
  /**
   * Signals one process, as pg_ctl kill does. Returns whether there is one with this pid, which is that of pg_stat_activity and
   * nothing to the operating system. To end a session, call pg_terminate_backend() instead: SIGKILL and SIGQUIT make
   * PostgreSQL end all of them and recover.
   */
  kill(pid: number, signal: Signal): boolean
}

export interface PostgresServer extends ServerControl {
  /** Connection string for clients on this machine. */
  readonly url: string
  /** The role in it. */
  readonly user: string
  /** A host that clients on this machine can connect to, or '' without TCP. */
  readonly host: string
  /** The TCP port that is listened on, which also names the unix socket. */
  readonly port: number
  /** The unix socket, if there is one. */
  readonly socketPath: string | undefined
  /** Where /health, /ready and /metrics are, if they are served. */
  readonly httpUrl: string | undefined
  /** The cluster's directory. */
  readonly dataDir: string
  /** Whether the cluster goes when the server stops. */
  readonly ephemeral: boolean
  /**
   * A connection through no network, for drivers that can be given a stream:
   * `new pg.Client({ stream: () => server.connect(), user: 'postgres' })` with node-postgres;
   * `postgres({ socket: () => server.connect(), user: 'postgres' })` with postgres.js, whose types lack that option. To
   * pg_hba.conf it is a `local` connection. When the server has stopped, the stream is destroyed with an error.
   */
  connect(): Duplex
  /** Resolves when the server has ended, however it came to that: 0 after a shutdown, else PostgreSQL's exit code. */
  readonly exited: Promise<number>
}

const DEFAULT_PORT = 5432

const DEFAULTS = { listen_addresses: 'localhost', unix_socket_directories: '' }

/** Settings that PostgreSQL is always given as options, so that what its files say has to be repeated. */
const ALWAYS_GIVEN = [...Object.keys(DEFAULTS), 'port', 'io_method']

/** Hosts to listen on that are none to connect to. */
const WILDCARDS = ['*', '0.0.0.0', '::']

/**
 * Starts a server and resolves when it accepts connections.
 *
 * @throws StartupError in words for the person who chose the options: a port is taken (code EADDRINUSE), a data directory
 * is in use, foreign or not accessible, PostgreSQL refuses a setting, …
 */
export async function startServer(options: StartServerOptions = {}): Promise<PostgresServer> {
  if (!existsSync(`${artefactsDir}postgres.wasm`)) {
    throw new StartupError(`postgres.wasm is not in ${artefactsDir}: build it by "npm run build"`, 'ENOENT')
  }
  if (options.threads === false && !hasPromiseIntegration()) {
    throw new StartupError('running without threads needs JSPI, which Node has from version 24 on')
  }
  const configured =
    options.dataDir === undefined
      ? {}
      : configuredSettings(resolvePath(options.dataDir), options.settings?.config_file?.toString())
  const settings = textSettings(options, configured)
  const hosts = settings.listen_addresses!.split(',').flatMap(host => host.trim() || [])
  const created = !isCluster(options.dataDir)
  const listeners = await bindAll(await numericAddresses(hosts), portIn(settings))
  const threads = options.threads === false ? undefined : ThreadPool.forCluster()
  let directory: DataDirectory | undefined
  let monitor: Monitor | undefined
  try {
    if (created) refuseExposure(hosts, settings.ssl === 'on', options)
    if (options.http !== undefined) monitor = await listenHttp(options.http)
    const fill = created ? fillOf(superuserOf(options)) : undefined
    directory = await (options.dataDir === undefined
      ? createEphemeralDirectory(fill)
      : openDataDirectory(options.dataDir, fill))
    const rules = resolvePath(directory.path, settings.hba_file ?? configured.hba_file ?? 'pg_hba.conf')
    if (created) admitOthers(join(directory.path, 'pg_hba.conf'), options)
    else refuseTrust(hosts, rules, options)
    const outgoing = new Outgoing()
    const cluster = await startCluster(directory, settings, listeners, outgoing, threads, options)
    if (options.password !== undefined)
      await setFirstPassword(cluster, options.password, superuserOf(options))
    return running(cluster, directory, settings, hosts, listeners, outgoing, monitor, options)
  } catch (error) {
    for (const listener of listeners) listener.close()
    monitor?.close()
    directory?.release()
    await threads?.close()
    throw error
  }
}

function superuserOf({ superuser = INITIAL_SUPERUSER }: StartServerOptions): string {
  return superuser
}

function userOf(options: StartServerOptions): string {
  return options.user ?? superuserOf(options)
}

/** What makes a new cluster where the template will not do: its superuser cannot be renamed by himself. */
function fillOf(superuser: string): ((directory: string) => Promise<void>) | undefined {
  if (superuser === INITIAL_SUPERUSER) return undefined
  return directory => initdb(directory, [`--username=${superuser}`])
}

function isCluster(dataDir: string | undefined): boolean {
  return dataDir !== undefined && existsSync(join(dataDir, 'PG_VERSION'))
}

/**
 * Everything that is a setting of PostgreSQL, as PostgreSQL takes it; an option of ours is stronger than a setting, and that
 * than what is configured in the data directory.
 */
function textSettings(
  options: StartServerOptions,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  const defaults = Object.entries({ ...DEFAULTS, ...options.defaults })
  const repeated = Object.entries(configured).filter(([name]) => ALWAYS_GIVEN.includes(name))
  const settings = Object.fromEntries([
    ...defaults.filter(([name]) => configured[name] === undefined),
    ...repeated,
  ])
  const given: [string, string | number | boolean | undefined][] = [
    ...Object.entries(options.settings ?? {}),
    ['listen_addresses', options.host],
    ['port', options.port],
    ['unix_socket_directories', options.unixSocketDir && resolvePath(options.unixSocketDir)],
    ['max_connections', options.maxConnections],
    ...tlsSettings(options.tls),
  ]
  for (const [name, value] of given) {
    if (typeof value === 'boolean') settings[name] = value ? 'on' : 'off'
    else if (value !== undefined) settings[name] = String(value)
  }
  if (
    settings.logging_collector !== undefined &&
    !/^(off?|no?|f(alse)?|0)$/i.test(settings.logging_collector)
  )
    throw new StartupError(
      'logging_collector cannot be on: the log is collected already and goes to stderr; set log_destination to jsonlog for structure',
    )
  const files = filesPerProcess(settings.max_connections ?? configured.max_connections)
  if (files !== undefined && configured.max_files_per_process === undefined)
    settings.max_files_per_process ??= String(files)
  return settings
}

function tlsSettings(tls: StartServerOptions['tls']): [string, string | undefined][] {
  if (tls === undefined) return []
  if (tls === 'self-signed') return [['ssl', 'on']]
  return [
    ['ssl', 'on'],
    ['ssl_cert_file', resolvePath(tls.cert)],
    ['ssl_key_file', resolvePath(tls.key)],
    ['ssl_ca_file', tls.ca && resolvePath(tls.ca)],
  ]
}

function portIn(settings: Readonly<Record<string, string>>): number {
  const port = Number(settings.port ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new StartupError(`"${settings.port}" is not a port: it must be a number from 0 to 65535`)
  }
  return port
}

async function startCluster(
  directory: DataDirectory,
  settings: Record<string, string>,
  listeners: Listener[],
  outgoing: Outgoing,
  threads: ThreadPool | undefined,
  options: StartServerOptions,
): Promise<Cluster> {
  settings.listen_addresses = listeners.map(hostOf).join(',')
  settings.port = String((listeners[0] && portOf(listeners[0])) || portIn(settings) || DEFAULT_PORT)
  // Nothing of an ephemeral cluster outlives this process, so nothing has to reach the disk.
  const unsafe: Record<string, string> = directory.ephemeral ? { fsync: 'off', full_page_writes: 'off' } : {}
  if (options.tls === 'self-signed') ensureSelfSigned(directory.path)
  const access = fileAccess(directory.path, settings, settings.port, options.allowDirs ?? [])
  const tls = new Tls(confinedFiles(access), directory.path)
  try {
    const starting = Cluster.start({
      host: nodeHost(access, threads),
      tls,
      dataDir: directory.path,
      settings: { ...unsafe, ...settings },
      listen: (address, door) => listen(address, door, listeners, tls),
      connect: (address, connected, signal) => outgoing.connect(address, connected, signal),
      resolve,
      onLog: logSink(options.log),
      onStarting: cluster => options.onStarting?.(control(cluster, cluster.exited)),
    })
    // While its first processes start: then this thread has little to do.
    const [cluster] = await Promise.all([starting, loadPrograms().modules.compileAll()])
    return cluster
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith('WebAssembly.Memory'))
      throw new StartupError(
        'there is no address space for the memory that PostgreSQL may come to need: raise its limit ("ulimit -v")',
        'ENOMEM',
      )
    if (!(error instanceof StartError)) throw error
    const lastWords = error.log.trimEnd().split('\n').at(-1)
    throw new StartupError(
      failureIn(error.log) ?? `${error.message}: ${lastWords || 'nothing in its log says why'}`,
    )
  }
}

async function listen(
  address: ListenAddress,
  door: Door,
  listeners: Listener[],
  tls: Tls,
): Promise<() => void> {
  let listener = listeners.find(bound => sameAddress(bound.address, address))
  if (listener === undefined) {
    listener = await Listener.bind(address)
    listeners.push(listener)
  }
  listener.start(door, tls)
  return () => listener.close()
}

function running(
  cluster: Cluster,
  directory: DataDirectory,
  settings: Readonly<Record<string, string>>,
  hosts: readonly string[],
  listeners: readonly Listener[],
  outgoing: Outgoing,
  monitor: Monitor | undefined,
  options: StartServerOptions,
): PostgresServer {
  const streams = new Set<InProcessSocket>()
  let ended = false
  const exited = cluster.exited.then(async code => {
    ended = true
    for (const connections of [...listeners, ...streams, outgoing]) connections.finish()
    for (const listener of listeners) listener.close()
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
  monitor?.watch({ status: () => statusOf(cluster, listeners), connect, user: superuserOf(options) })

  const host = hosts[0] !== undefined && WILDCARDS.includes(hosts[0]) ? 'localhost' : (hosts[0] ?? '')
  const port = Number(settings.port)
  const socketDir = settings.unix_socket_directories!.split(',')[0]!.trim()
  return {
    url: urlOf(options, host, port, socketDir),
    user: userOf(options),
    host,
    port,
    socketPath: socketDir === '' ? undefined : join(socketDir, `.s.PGSQL.${port}`),
    dataDir: directory.path,
    ephemeral: directory.ephemeral,
    exited,
    httpUrl: monitor?.url,
    connect,
    ...control(cluster, exited),
  }
}

/** What it takes to answer HTTP is loaded only by who wants that. */
async function listenHttp(options: HttpOptions): Promise<Monitor> {
  const { Monitor } = await import('./http.js')
  return Monitor.listen(options)
}

function statusOf(cluster: Cluster, listeners: readonly Listener[]): ServerStatus {
  const total = (key: keyof ListenerStatistics) =>
    listeners.reduce((sum, { statistics }) => sum + statistics[key], 0)
  return {
    ...cluster.traffic,
    memory: cluster.memory.buffer.byteLength,
    accepted: total('accepted'),
    refused: total('refused'),
    connections: total('open'),
    statements: total('statements'),
    processes: [...cluster.processes()].map(({ pid, args, memory }) => ({
      pid,
      memory,
      type: processType(args),
    })),
  }
}

/** PostgreSQL tells a child what it is to be by its first argument; only the postmaster has none. */
function processType(args: readonly string[]): string {
  return /^--forkchild=(.*)$/.exec(args[1] ?? '')?.[1] ?? 'postmaster'
}

function hostOf(listener: Listener): string {
  return 'host' in listener.address ? listener.address.host : ''
}

function urlOf(options: StartServerOptions, host: string, port: number, socketDir: string): string {
  const user = encodeURIComponent(userOf(options))
  const database = encodeURIComponent(options.database ?? 'postgres')
  if (host === '') return `postgres://${user}@/${database}?host=${encodeURIComponent(socketDir)}&port=${port}`
  return `postgres://${user}@${host.includes(':') ? `[${host}]` : host}:${port}/${database}`
}

/** What can be done to a cluster as long as its postmaster runs; `exited` resolves when it does not. */
function control(cluster: Cluster, exited: Promise<unknown>): ServerControl {
  let ended = false
  void exited.then(() => {
    ended = true
  })
  const signal = (name: Signal) => {
    if (!ended) cluster.signal(name)
  }
  return {
    async stop(mode = 'fast') {
      if (!ended) cluster.shutDown(mode)
      await exited
    },
    reload: () => signal('SIGHUP'),
    checkRequests: () => signal('SIGUSR1'),
    kill: (pid, name) => !ended && cluster.kill(pid, name),
  }
}

function logSink(log: StartServerOptions['log']): LogSink {
  if (typeof log === 'function')
    return (entry, format) => {
      for (const line of entry.replace(/\n$/, '').split('\n')) log(line, format)
    }
  return log === 'stderr' ? text => void process.stderr.write(text) : () => {}
}
