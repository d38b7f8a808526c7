/**
 * PostgreSQL in a browser with a cluster that the browser keeps: in its file system (OPFS), or in IndexedDB where it gives workers no
 * files. One tab of an origin owns the cluster and runs the server, and other tabs are connected to it; when it is closed, another
 * one takes over.
 *
 * ```ts
 * // worker.js, which each tab starts by new Worker()
 * import { loadModule, openPostgres } from 'pglite-imports-server/browser'
 *
 * await openPostgres({ name: 'shop', module: () => loadModule('/postgres/') })
 *
 * // page.js
 * import pg from 'pg'
 * import { joinPostgres } from 'pglite-imports-server/browser'
 *
 * const postgres = joinPostgres({ name: 'shop' })
 * const client = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
 * await client.connect()
 * ```
 *
 * @module pglite-imports-server/browser
 */
import type { Duplex } from 'node:stream'
import { exportFiles, importFiles } from '../wasm/cluster/cluster-archive.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { Client } from './client.js'
import { fillCluster, openFiles, removeFiles, type ServerOptions } from './cluster.js'
import { takeIfFree } from './locks.js'
import { Names } from './names.js'
import { type OpenOptions, Tab } from './tab.js'

export { type LoadOptions, loadModule } from '../embedded/load.js'
export type { ServerModule } from '../embedded/server-module.js'
export { StartupError } from '../wasm/cluster/startup-error.js'
export type { OpenOptions, ServerOptions }

/** Which cluster of the origin. */
export interface ClusterName {
  /** Any name without slashes. Each cluster has a server of its own. */
  name: string
}

/** A server in this tab or in another one. */
export interface JoinedPostgres {
  /**
   * Opens a connection with a session of its own, for drivers that accept a stream, as `connect()` of `pglite-imports-server/embedded`. If
   * no tab runs the server, the connection waits until one does. When the tab that runs it is closed, the stream is destroyed with an error
   * whose `code` is 57P01: connect again. Everything whose commit was answered is there.
   */
  connect(): Duplex
  /** Ends the connections. If the server runs in this worker, it stops, and another tab takes over. */
  stop(): Promise<void>
  /** stop(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A server in this worker or in that of another tab. */
export interface BrowserPostgres extends JoinedPostgres {
  /** Whether this worker owns the cluster and runs the server. */
  readonly owner: boolean
  /** Resolves when this worker owns the cluster and its server accepts connections; rejects if that server does not start. */
  readonly owned: Promise<void>
  /**
   * Returns the cluster as it is now: what exportCluster() returns, while sessions go on. Read the stream to its end, or cancel it: until then
   * pages that change take room for their old contents, too, and the server is not suspended. There is one backup at a time.
   *
   * @throws Error when another tab runs the server, or the engine has no JSPI, or another backup is being read
   */
  backup(): Promise<ReadableStream<Uint8Array>>
}

/**
 * Runs the server of a cluster, and makes the cluster if there is none; or, if another tab runs it, waits to take over when that tab has
 * gone. Call it in a dedicated worker: only those have synchronous access to the browser's files. The promise resolves when the server
 * accepts connections, or when another tab owns the cluster.
 *
 * @throws StartupError when this is no dedicated worker, or the cluster cannot be used; RangeError for an impossible name or `maxMemory`;
 *   Error with PostgreSQL's message when the server does not start
 */
export async function openPostgres(options: ClusterName & OpenOptions): Promise<BrowserPostgres> {
  requireWorker()
  return Tab.open(new Names(options.name), options)
}

/**
 * Connects to the server that a worker of this page or of another tab runs. Any thread can do that.
 *
 * @throws RangeError for an impossible name
 */
export function joinPostgres({ name }: ClusterName): JoinedPostgres {
  const client = new Client(new Names(name))
  const stop = async () => client.end()
  return { connect: () => client.connect(), stop, [Symbol.asyncDispose]: stop }
}

/**
 * Returns a cluster as a gzipped tar archive of its data directory, for importCluster() here and in a Worker, or for
 * `importDataDirectory()` of `pglite-imports-server`. No server can start on the cluster until you have read or cancelled the stream.
 * Call it in a dedicated worker, as all functions here but joinPostgres().
 *
 * @throws StartupError when a server runs on the cluster, in this tab or in another, or there is no such cluster
 */
export async function exportCluster({ name }: ClusterName): Promise<ReadableStream<Uint8Array>> {
  const release = await own(name)
  try {
    const { opened, close } = await openFiles(name)
    return exportFiles(opened.files(), '', () => void close().finally(release))
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Makes a cluster from an archive of exportCluster(), of a Worker's, or of `exportDataDirectory()` under Node. The cluster is durable when
 * this promise resolves. If it rejects, there is no cluster of that name.
 *
 * @throws StartupError when there is a cluster of that name already, or the archive has none that this server can use
 */
export async function importCluster(
  { name }: ClusterName,
  archive: ReadableStream<Uint8Array>,
): Promise<void> {
  const release = await own(name)
  try {
    await fillCluster(name, volume => importFiles(volume.files(), '', archive))
  } finally {
    release()
  }
}

/**
 * Removes a cluster for ever, if there is one.
 *
 * @throws StartupError when a server runs on it, in this tab or in another
 */
export async function removeCluster({ name }: ClusterName): Promise<void> {
  const release = await own(name)
  try {
    await removeFiles(name)
  } finally {
    release()
  }
}

/** Takes the cluster's lock. Returns a function that releases it. */
async function own(name: string): Promise<() => void> {
  requireWorker()
  const release = await takeIfFree(new Names(name).lock)
  if (release === undefined)
    throw new StartupError(`a server runs on the cluster "${name}", in this tab or in another`, 'EBUSY')
  return release
}

function requireWorker(): void {
  if (!('DedicatedWorkerGlobalScope' in globalThis))
    throw new StartupError(
      'only a dedicated worker, as new Worker() makes it, can open a cluster: elsewhere connect to it by joinPostgres()',
    )
}
