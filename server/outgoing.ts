/** Connections that PostgreSQL makes to other servers, for replication mostly; and the names it looks up for them. */

import { lookup, lookupService } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import type { ListenAddress } from '../wasm/cluster/cluster.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { Connection } from './connection.js'

/** Makes the cluster's end of a connection, or undefined when the process has given up. */
export type Connected = (local: ListenAddress) => ClientSocket | undefined

export class Outgoing {
  readonly #connections = new Set<Connection>()

  /** Connects to an address. Rejects with the system's error: ECONNREFUSED, ETIMEDOUT, ENOENT, … */
  async connect(address: ListenAddress, connected: Connected, signal: AbortSignal): Promise<void> {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true, keepAlive: true, signal })
    await once(socket, 'connect')
    const process = connected(localOf(socket))
    if (process === undefined) {
      socket.destroy()
      return
    }
    const onEnd = (ended: Connection) => this.#connections.delete(ended)
    this.#connections.add(new Connection(socket, process, { onEnd }))
  }

  /** Ends the connections that are left, each after what was said on it. For when the cluster has ended. */
  finish(): void {
    for (const connection of this.#connections) connection.finish()
  }
}

function localOf({ localAddress, localPort, localFamily }: Socket): ListenAddress {
  if (localAddress === undefined || localPort === undefined) return { path: '' }
  return { host: localAddress, port: localPort, family: localFamily === 'IPv6' ? 6 : 4 }
}

/** The addresses of a host name, or the name of an address. Rejects with the system's error, ENOTFOUND mostly. */
export async function resolve(question: string): Promise<string[]> {
  if (isIP(question) !== 0) return [(await lookupService(question, 0)).hostname]
  return (await lookup(question, { all: true })).map(({ address }) => address)
}
