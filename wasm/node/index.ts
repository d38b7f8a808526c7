export {
  Cluster,
  type ClusterHost,
  type ClusterOptions,
  type ListenAddress,
} from '../cluster/cluster.js'
export { PostgresExit, type PostgresModule } from '../cluster/postgres-module.js'
export type { Signal } from '../cluster/signals.js'
export { StartError } from '../cluster/start-error.js'
export { ClientSocket } from '../machine/client-socket.js'
export {
  createPGliteImportHandler,
  type PGliteImportHandler,
  type PGliteImports,
} from '../machine/import-handler.js'
export { nodeHost } from './host.js'
export { createPostgresModule, type PostgresModuleOptions } from './module.js'
