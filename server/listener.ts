/**
 * A listening socket and the connections that came in by it.
 *
 * It may be bound before PostgreSQL runs; clients that come before PostgreSQL has adopted it wait.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { ClientSocket } from '../wasm/client-socket.js'
import type { ListenAddress } from '../wasm/cluster.js'
import { Connection } from './connection.js'
import { StatementCount, StatementCounter } from './statement-count.js'
import type { Tls } from './tls.js'

/** Makes the cluster's end of a connection, or undefined when there is no room for one. */
export type Accept = (peer: ListenAddress) => ClientSocket | undefined

/** Since the start, but for `open`, which is now. */
export interface ListenerStatistics {
  readonly accepted: number
  readonly refused: number
  readonly open: number
  readonly statements: number
}

/** What Node buffers per connection and direction, in bytes: as much as a ring holds, so that one turn empties it. */
const HIGH_WATER_MARK = 64 * 1024

export class Listener {
  readonly address: ListenAddress
  readonly #server: Server
  readonly #early: Socket[] = []
  readonly #connections = new Set<Connection>()
  readonly #count = new StatementCount()
  #accepted = 0
  #refused = 0
  #accept: Accept | undefined
  #tls: Tls | undefined

  /** Listens on an address. Rejects with the system's error: EADDRINUSE, EACCES, … */
  static async bind(address: ListenAddress): Promise<Listener> {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      highWaterMark: HIGH_WATER_MARK,
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen('path' in address ? address : { ...address, ipv6Only: address.family === 6 }, resolve)
    })
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? { port: bound.port } : {}
    return new Listener(server, { ...address, ...port })
  }

  private constructor(server: Server, address: ListenAddress) {
    this.#server = server
    this.address = address
    server.removeAllListeners('error')
    // accept() failed, for want of file descriptors mostly: that client is refused, the others are served.
    server.on('error', () => {})
    server.on('connection', client => this.#serve(client))
  }

  /** Serves the clients that have come and those that will. */
  start(accept: Accept, tls: Tls): void {
    this.#accept = accept
    this.#tls = tls
    for (const client of this.#early.splice(0)) this.#serve(client)
  }

  get statistics(): ListenerStatistics {
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      open: this.#connections.size,
      statements: this.#count.statements,
    }
  }

  /** Stops listening. Connections that exist go on. */
  close(): void {
    this.#server.close()
    for (const client of this.#early.splice(0)) client.destroy()
  }

  /** Ends the connections that are left, each after what its backend has said. For when the cluster has ended. */
  finish(): void {
    for (const connection of this.#connections) connection.finish()
  }

  #serve(client: Socket): void {
    if (this.#accept === undefined) {
      client.on('error', () => client.destroy())
      this.#early.push(client)
      return
    }
    const backend = this.#accept(peerOf(client))
    if (backend === undefined) {
      this.#refused++
      client.on('error', () => client.destroy())
      client.end(tooManyClients)
      client.destroySoon()
      return
    }
    this.#accepted++
    const counter = new StatementCounter(this.#count)
    const onEnd = (ended: Connection) => this.#connections.delete(ended)
    this.#connections.add(new Connection(client, backend, this.#tls, onEnd, counter))
  }
}

function peerOf(client: Socket): ListenAddress {
  const { remoteAddress, remotePort, remoteFamily } = client
  if (remoteAddress === undefined || remotePort === undefined) return { path: '' }
  return { host: remoteAddress, port: remotePort, family: remoteFamily === 'IPv6' ? 6 : 4 }
}

/** ErrorResponse with SQLSTATE 53300, as PostgreSQL words it. */
const tooManyClients = (() => {
  const fields = ['SFATAL', 'VFATAL', 'C53300', 'Msorry, too many clients already', '', ''].join('\0')
  const message = Buffer.alloc(5 + fields.length)
  message.write('E')
  message.writeUInt32BE(4 + fields.length, 1)
  message.write(fields, 5)
  return message
})()
