export { ClientSocket } from './client-socket.js'
export {
  Cluster,
  type ClusterHost,
  type ClusterOptions,
  type ListenAddress,
  type Signal,
  StartError,
} from './cluster.js'
export { createPGliteImportHandler, type PGliteImportHandler, type PGliteImports } from './imports.js'
export { nodeHost } from './node-host.js'
export { createPostgresModule, type PostgresModuleOptions } from './node-module.js'
export { PostgresExit, type PostgresModule } from './postgres-module.js'
