/**
 * PostgreSQL inside a page, a Web Worker, or a program of Deno or Bun: the whole server, with as many sessions as you like, on
 * the thread that calls it. The cluster is in memory, and is lost when the server ends.
 *
 * ```ts
 * import pg from 'pg'
 * import { createPostgres, loadModule } from 'pglite-imports-server/embedded'
 *
 * const postgres = await createPostgres({ module: await loadModule() })
 * const client = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
 * await client.connect()
 * ```
 *
 * @module pglite-imports-server/embedded
 */

import {
  type InstantiateOptions,
  instantiatePostgres,
  type PostgresModule,
} from '../wasm/cluster/postgres-module.js'
import { type GivenSettings, settingsText } from '../wasm/cluster/settings.js'
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import { DATA, templateIn, unpackCluster, volumeInMemory, withInstallation } from './files.js'
import { type EmbeddedHost, moduleHostOf, pagesOf } from './host.js'
import { OnDemandServer } from './on-demand.js'
import { type EmbeddedPostgres, EmbeddedServer } from './server.js'
import type { ServerModule } from './server-module.js'
import { SMALL, VOLATILE } from './settings.js'
import { SingleSession } from './single-session.js'
import { embeddedSystem } from './system.js'

export * from '../wasm/cluster/exports.js'
export type { StopMode } from '../wasm/cluster/signals.js'
export { type LoadOptions, loadModule } from './load.js'
export type { EmbeddedPostgres } from './server.js'
export type { ServerModule } from './server-module.js'

/** The options of createPostgres() and createPostgresModule(). */
export interface EmbeddedOptions {
  /** The result of loadModule(). */
  module: ServerModule
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html). */
  settings?: GivenSettings | undefined
  /**
   * How many bytes PostgreSQL may use for all its sessions together: from 40 MB to 4 GB. A statement that needs more fails with 53200
   * (out_of_memory). Default: 96 MB, as in a Worker.
   */
  maxMemory?: number | undefined
  /** Called with PostgreSQL's log, one or more complete lines at a time. Default: the log is dropped. */
  log?: ((text: string) => void) | undefined
}

/**
 * Starts a server, and resolves when it accepts connections.
 *
 * @throws RangeError for an impossible `maxMemory`, Error with PostgreSQL's message when the server does not start
 */
export async function createPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const host = inMemory(options)
  if (!hasPromiseIntegration()) return new SingleSession(host)
  return OnDemandServer.start({
    ...host,
    start: () => EmbeddedServer.start(host),
    kept: false,
    suspendAfter: undefined,
  })
}

/** Starts one backend without a server. An import handler gives it input, which the backend processes to completion. */
export function createPostgresModule(options: EmbeddedOptions & InstantiateOptions): Promise<PostgresModule> {
  return instantiatePostgres(moduleHostOf(inMemory(options)), options)
}

function inMemory({ module, settings = {}, maxMemory, log = () => {} }: EmbeddedOptions): EmbeddedHost {
  const maximumPages = pagesOf(maxMemory)
  const volume = volumeInMemory()
  unpackCluster(templateIn(module), volume, DATA)
  const all = { ...SMALL, ...VOLATILE, ...settingsText(settings) }
  return {
    module,
    system: embeddedSystem,
    files: () => withInstallation(module, volume),
    settings: all,
    maximumPages,
    log,
  }
}
