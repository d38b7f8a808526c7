/** Connections that PostgreSQL's processes make to other servers, mostly for replication, and the resolver for their names. */

import { lookup, lookupService } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ListenAddress } from '../../wasm/cluster/cluster.js'
import type { InterfaceAddress } from '../../wasm/cluster/connections.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import { Connection, type ConnectTls } from '../../wasm/node/connection.js'

/** Makes the process' end of a connection, or returns undefined when the process has closed it meanwhile. */
export type Connected = (local: ListenAddress) => ClientSocket | undefined

export class Outgoing {
  readonly #connections = new Set<Connection>()

  /**
   * Connects to an address.
   *
   * @throws the system's error: ECONNREFUSED, ETIMEDOUT, ENOENT, …
   */
  async connect(address: ListenAddress, connected: Connected, signal: AbortSignal): Promise<void> {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true, keepAlive: true, signal })
    await once(socket, 'connect')
    const process = connected(localOf(socket))
    if (process === undefined) {
      socket.destroy()
      return
    }
    const onEnd = (ended: Connection) => this.#connections.delete(ended)
    this.#connections.add(new Connection(socket, process, { onEnd, connectTls }))
  }

  /** Ends all connections, each after its process' last output. To be called when the cluster has ended. */
  finish(): void {
    for (const connection of this.#connections) connection.finish()
  }
}

/** Loads the code of TLS only if a connection wants it. */
const connectTls: ConnectTls = async (...connection) =>
  (await import('./outgoing-tls.js')).connectTls(...connection)

function localOf({ localAddress, localPort, localFamily }: Socket): ListenAddress {
  if (localAddress === undefined || localPort === undefined) return { path: '' }
  return { host: localAddress, port: localPort, family: localFamily === 'IPv6' ? 6 : 4 }
}

/**
 * The addresses of a host name, or the name of an address.
 *
 * @throws the system's error, mostly ENOTFOUND
 */
export async function resolve(question: string): Promise<string[]> {
  if (isIP(question) !== 0) return [(await lookupService(question, 0)).hostname]
  return (await lookup(question, { all: true })).map(({ address }) => address)
}

/** The addresses of this machine. */
export function interfaces(): InterfaceAddress[] {
  return Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
}
