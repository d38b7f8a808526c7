/**
 * A listening socket and the connections that came in by it.
 *
 * It may be bound before PostgreSQL runs; clients that come before PostgreSQL has adopted it wait.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { Door, ListenAddress } from '../wasm/cluster/cluster.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { StatementCount, StatementCounter } from '../wasm/protocol/statement-count.js'
import { Connection } from './connection.js'
import { refuse } from './refusal.js'
import type { Tls } from './tls.js'

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
  /** They wait: for PostgreSQL to adopt the socket, or for room. */
  readonly #waiting: Socket[] = []
  readonly #connections = new Set<Connection>()
  readonly #count = new StatementCount()
  #accepted = 0
  #refused = 0
  #door: Door | undefined
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
  start(door: Door, tls: Tls): void {
    this.#door = door
    this.#tls = tls
    door.onRoom = () => this.#serveWaiting()
    this.#serveWaiting()
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
    for (const client of this.#waiting.splice(0)) client.destroy()
  }

  /** Ends the connections that are left, each after what its backend has said. For when the cluster has ended. */
  finish(): void {
    for (const connection of this.#connections) connection.finish()
  }

  #serve(client: Socket): void {
    client.on('error', () => client.destroy())
    this.#waiting.push(client)
    this.#serveWaiting()
  }

  #serveWaiting(): void {
    const door = this.#door
    if (door === undefined) return
    while (this.#waiting.length > 0 && !door.busy) {
      const client = this.#waiting.shift()!
      if (client.destroyed) continue
      const backend = door.accept(peerOf(client))
      if (backend !== undefined) this.#connect(client, backend)
      else {
        this.#refused++
        refuse(client)
      }
    }
  }

  #connect(client: Socket, backend: ClientSocket): void {
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
