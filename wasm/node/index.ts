/**
 * One backend without a server, and the parts of a server for other hosts.
 *
 * @module pglite-imports-server/wasm
 */

export {
  Cluster,
  type ClusterHost,
  type ClusterOptions,
  type Door,
  type ListenAddress,
  type Traffic,
} from '../cluster/cluster.js'
export * from '../cluster/exports.js'
export type { Signal } from '../cluster/signals.js'
export { StartError } from '../cluster/start-error.js'
export type { InternetAddress, UnixAddress } from '../machine/address.js'
export { ClientSocket, type MovingSocket } from '../machine/client-socket.js'
export { nodeHost } from './host.js'
export { createPostgresModule, type PostgresModuleOptions } from './module.js'
