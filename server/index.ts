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
 *
 * @module pglite-imports-server
 */

export type { Signal, StopMode } from '../wasm/cluster/signals.js'
export { StartupError } from '../wasm/cluster/startup-error.js'
export type { LogFormat } from '../wasm/machine/log-collector.js'
export type { BackupOptions } from './base-backup/base-backup.js'
export { type CloneOptions, cloneDataDirectory } from './base-backup/clone.js'
export { branchDataDirectory } from './branches/directory-branch.js'
export type { BranchOptions, ClusterSnapshot } from './branches/options.js'
export { type Bridge, type BridgeOptions, startBridge } from './bridge/bridge.js'
export type { ServerControl } from './control.js'
export {
  exportDataDirectory,
  type ImportOptions,
  importDataDirectory,
} from './data-directory/data-transfer.js'
export type { HttpOptions } from './http/http.js'
export type { StartServerOptions, TlsFiles } from './options.js'
export type { DatabasePool, DatabasePoolOptions, TakenDatabase } from './pools/database-pool.js'
export type { PoolsOptions } from './pools/template-sql.js'
export type { PostgresServer } from './postgres-server.js'
export { startServer } from './start.js'
