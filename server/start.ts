/** Starts a server: settles its settings, binds its ports, opens the data directory, and runs PostgreSQL on it. */
import { join, resolve as resolvePath } from 'node:path'
import { Cluster } from '../wasm/cluster/cluster.js'
import type { Settings } from '../wasm/cluster/settings.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER } from '../wasm/cluster/superuser.js'
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import type { StackSize } from '../wasm/machine/stack.js'
import { confinedFiles } from '../wasm/node/confined-files.js'
import { IS_NODE } from '../wasm/node/engine.js'
import { FileGate, MAIN_SEAT, newGate } from '../wasm/node/file-gate.js'
import { nodeHost } from '../wasm/node/host.js'
import { packageFolder, tellPackageFolder } from '../wasm/node/package-folder.js'
import { hostPathIn, posixPath } from '../wasm/node/paths.js'
import { stackSize } from '../wasm/node/stack.js'
import { ThreadPool } from '../wasm/node/thread-pool.js'
import type { ClusterSource } from './branches/source.js'
import { configuredSettings } from './configuration.js'
import { serverControl } from './control.js'
import { copyCluster } from './data-directory/copy-cluster.js'
import {
  checkCluster,
  type DataDirectory,
  isCluster,
  openDataDirectory,
} from './data-directory/data-directory.js'
import { createEphemeralDirectory } from './data-directory/ephemeral.js'
import { ownerNote } from './data-directory/owner.js'
import { directoryRefusal } from './data-directory/refusal.js'
import { isShareable } from './data-directory/shareable.js'
import { admitOthers, refuseExposure, refuseTrust } from './exposure.js'
import { fileAccess } from './file-access.js'
import type { Monitor } from './http/http.js'
import { logSink, ownLog } from './log.js'
import { adapted, configurationFile } from './made-elsewhere.js'
import { Network } from './network/network.js'
import { interfaces, resolve } from './network/outgoing.js'
import { Tls } from './network/tls.js'
import { fillOf, type Given, initialiseCluster } from './new-cluster/creation.js'
import { filesToRun } from './new-cluster/init-files.js'
import { syncTree } from './new-cluster/template.js'
import { checkOptions } from './option-schema.js'
import type { StartServerOptions } from './options.js'
import { type PostgresServer, postgresServer } from './postgres-server.js'
import { DEFAULT_PORT, EPHEMERAL, hostsIn, portIn, settingsOf, socketDirsIn } from './settings.js'

/**
 * Starts a server and resolves when it accepts connections.
 *
 * @throws StartupError with a message for the person who chose the options: a port is taken (code EADDRINUSE), the data directory
 *   is in use, has no usable cluster or is not accessible, PostgreSQL refuses a setting, …
 */
export async function startServer(options: StartServerOptions = {}): Promise<PostgresServer> {
  checkOptions(options)
  return start(options)
}

/**
 * The same with options that have been checked.
 *
 * @param source the cluster to begin with; default: what the options name
 */
async function start(
  options: StartServerOptions,
  source: ClusterSource | undefined = sourceIn(options),
): Promise<PostgresServer> {
  refuseImpossible(options)
  const { superuser = INITIAL_SUPERUSER, user = superuser, database = 'postgres' } = options
  const existing = source?.path ?? options.dataDir
  const { configured, instead, notes } = configurationOf(existing, options)
  const settings = { ...instead, ...settingsOf(options, configured) }
  const hosts = hostsIn(settings)
  const created = existing === undefined || !isCluster(existing)
  const given: Given = { superuser, database, files: created ? filesToRun(options.init ?? []) : [], options }
  const stack = stackSize({ ...configured, ...settings })
  const threads = (options.threads ?? IS_NODE) ? ThreadPool.forCluster(stack) : undefined
  let network: Network | undefined
  let directory: DataDirectory | undefined
  let monitor: Monitor | undefined
  let cluster: Cluster | undefined
  try {
    network = await Network.bind(hosts, portIn(settings))
    // The console is one more way in for the clients of other machines.
    const open = options.console ? [...hosts, options.http?.host ?? 'localhost'] : hosts
    if (created) refuseExposure(open, settings.ssl === 'on', options)
    if (options.http !== undefined || options.console) monitor = await listenHttp(options)
    directory = await takeDirectory(options.dataDir, source, created ? fillOf(given) : undefined)
    if (created) admitOthers(join(directory.path, 'pg_hba.conf'), options)
    else refuseTrust(open, hostPathIn(directory.path, rulesIn({ ...configured, ...settings })), options)
    const port = network.port ?? (portIn(settings) || DEFAULT_PORT)
    const listening = { listen_addresses: network.addresses.join(','), port: String(port) }
    const all = { ...(directory.ephemeral ? EPHEMERAL : {}), ...settings, ...listening }
    const access = accessOf(directory, all, options)
    const tls = new Tls(confinedFiles(access), posixPath(directory.path))
    const parts = { directory, settings: all, network, stack, options, access, tls }
    cluster = await startCluster({ ...parts, threads })
    if (created) await initialiseCluster(cluster, directory, given, ownLog(options.log))
    for (const note of notes) ownLog(options.log)(note)
    network.open()
    const [host = ''] = hosts
    const [socketDir = ''] = socketDirsIn(settings)
    const address = { host, port, socketDir, superuser, user, database }
    const again = () => startCluster({ ...parts, threads: threads && ThreadPool.forCluster(stack) })
    const gate = new FileGate(access.gate, MAIN_SEAT)
    return postgresServer({ cluster, again, gate, directory, network, tls, monitor, options, start }, address)
  } catch (error) {
    cluster?.shutDown('fast')
    await cluster?.exited
    await cluster?.close()
    network?.close()
    monitor?.close()
    if (created) directory?.empty()
    directory?.release()
    await threads?.close()
    throw error
  }
}

function refuseImpossible({ threads, dataDir, copyOf, packageDir }: StartServerOptions): void {
  if (copyOf !== undefined && dataDir !== undefined)
    throw new StartupError('dataDir and copyOf exclude each other: give one of them')
  if (packageDir !== undefined) tellPackageFolder(packageDir)
  packageFolder()
  if (threads === true && !IS_NODE)
    throw new StartupError("this runtime's threads cannot run processes of PostgreSQL: leave out `threads`")
  if (!(threads ?? IS_NODE) && !hasPromiseIntegration())
    throw new StartupError('running without threads needs JSPI, which Node has from version 24 on')
}

interface Configuration {
  /** The settings in the configuration files of an existing cluster that the server can use. */
  readonly configured: Settings
  /** Those of them that override the files. */
  readonly instead: Settings
  /** A line for each setting that the server does not use as it is. */
  readonly notes: readonly string[]
}

/** @throws StartupError when there is a cluster that cannot be used, or has no postgresql.conf */
function configurationOf(
  existing: string | undefined,
  { settings, unixSocketDir, tls, maxConnections }: StartServerOptions,
): Configuration {
  if (existing === undefined || !isCluster(existing)) return { configured: {}, instead: {}, notes: [] }
  const path = resolvePath(existing)
  try {
    checkCluster(path)
  } catch (error) {
    throw directoryRefusal(error, path)
  }
  const given = settings?.config_file?.toString()
  const file = given === undefined ? configurationFile(path) : hostPathIn(path, given)
  const found = configuredSettings(path, file)
  const { settings: instead, notes } = adapted(path, file, found, {
    ...(maxConnections === undefined ? {} : { max_connections: String(maxConnections) }),
    ...Object.fromEntries(Object.entries(settings ?? {}).map(([name, value]) => [name, String(value)])),
    ...(unixSocketDir === undefined ? {} : { unix_socket_directories: '' }),
    ...(tls === undefined ? {} : { ssl: 'on' }),
  })
  const note = ownerNote(path)
  return {
    configured: { ...found, ...instead },
    instead,
    notes: note === undefined ? notes : [note, ...notes],
  }
}

function rulesIn({ hba_file = 'pg_hba.conf' }: Settings): string {
  return hba_file
}

function sourceIn({ copyOf }: StartServerOptions): ClusterSource | undefined {
  return copyOf === undefined
    ? undefined
    : { path: copyOf, copy: directory => copyCluster(copyOf, directory) }
}

function takeDirectory(
  dataDir: string | undefined,
  source: ClusterSource | undefined,
  fill: ReturnType<typeof fillOf>,
): Promise<DataDirectory> {
  if (source === undefined)
    return dataDir === undefined ? createEphemeralDirectory(fill) : openDataDirectory(dataDir, fill)
  if (dataDir === undefined) return createEphemeralDirectory(directory => source.copy(directory))
  return openDataDirectory(dataDir, async directory => {
    await source.copy(directory)
    syncTree(directory)
  })
}

/** Loads the code of the monitor only if it is asked for. */
async function listenHttp({ http = { port: 0 }, console }: StartServerOptions): Promise<Monitor> {
  const { Monitor } = await import('./http/http.js')
  return Monitor.listen(http, console)
}

interface ClusterParts {
  readonly directory: DataDirectory
  readonly settings: Settings
  readonly network: Network
  readonly threads: ThreadPool | undefined
  readonly stack: StackSize
  readonly options: StartServerOptions
  readonly access: ReturnType<typeof accessOf>
  readonly tls: Tls
}

/** What the cluster's processes may see of the file system. */
function accessOf(
  directory: DataDirectory,
  settings: Settings,
  { allowDirs, shareDirs }: StartServerOptions,
) {
  return {
    ...fileAccess(directory.path, settings, allowDirs ?? [], shareDirs ?? []),
    gate: newGate(),
    shared: isShareable(directory) ? posixPath(directory.path) : undefined,
  }
}

/** @throws StartupError when there is not enough address space, or PostgreSQL does not start */
async function startCluster({
  directory,
  settings,
  network,
  threads,
  stack,
  options,
  access,
  tls,
}: ClusterParts): Promise<Cluster> {
  if (options.tls === 'self-signed') {
    const { ensureSelfSigned } = await import('./network/self-signed.js')
    ensureSelfSigned(directory.path)
  }
  try {
    return await Cluster.start({
      host: nodeHost(access, threads, stack),
      tls,
      dataDir: posixPath(directory.path),
      settings,
      listen: (address, door) => network.listen(address, door, tls),
      connect: (address, connected, signal) => network.connect(address, connected, signal),
      resolve,
      interfaces,
      onLog: logSink(options.log),
      onStarting: cluster => options.onStarting?.(serverControl(() => cluster, cluster.exited)),
    })
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith('WebAssembly.Memory'))
      throw new StartupError(
        'not enough address space for the memory that PostgreSQL may need (4 GiB): raise the limit ("ulimit -v")',
        'ENOMEM',
      )
    throw error
  }
}
