export {
  Cluster,
  type ClusterHost,
  type ClusterOptions,
  type ListenAddress,
} from '../cluster/cluster.js'
export * from '../cluster/exports.js'
export type { Signal } from '../cluster/signals.js'
export { StartError } from '../cluster/start-error.js'
export { ClientSocket } from '../machine/client-socket.js'
export { nodeHost } from './host.js'
export { createPostgresModule, type PostgresModuleOptions } from './module.js'
