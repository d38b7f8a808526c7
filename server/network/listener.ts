/**
 * A listening socket and the connections of its clients. It may be bound before PostgreSQL runs: clients wait until PostgreSQL
 * listens on it.
 */
import type { Socket } from 'node:net'
import type { Door, ListenAddress } from '../../wasm/cluster/cluster.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import { Connection } from '../../wasm/node/connection.js'
import { TOO_MANY_CLIENTS } from '../../wasm/protocol/first-message.js'
import { ListeningSocket } from './listening-socket.js'
import { refuse } from './refusal.js'
import type { Tls } from './tls.js'
import { WaitingClient } from './waiting-client.js'

/** Counts since the start; `open` is the number of connections now. */
export interface ListenerStatistics {
  readonly accepted: number
  readonly refused: number
  readonly open: number
  readonly statements: number
}

export class Listener {
  readonly #socket: ListeningSocket
  /** Clients that wait until PostgreSQL listens, or until there is room for another process. */
  readonly #waiting = new Set<WaitingClient>()
  readonly #connections = new Set<Connection>()
  /** One number, to which the threads of backends add. */
  readonly #statements = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT))
  #held = false
  #accepted = 0
  #refused = 0
  #door: Door | undefined
  #tls: Tls | undefined

  /** Listens on an address. Rejects with the system's error: EADDRINUSE, EACCES, … */
  static async bind(address: ListenAddress): Promise<Listener> {
    return new Listener(await ListeningSocket.bind(address))
  }

  private constructor(socket: ListeningSocket) {
    this.#socket = socket
    socket.onClient = client => this.#serve(client)
  }

  get address(): ListenAddress {
    return this.#socket.address
  }

  /** Connects the clients that wait, and all later ones, to PostgreSQL. */
  start(door: Door, tls: Tls): void {
    this.#door = door
    this.#tls = tls
    door.onRoom = () => this.#serveWaiting()
    this.goOn()
  }

  /** Makes clients wait until goOn() or start() is called. */
  wait(): void {
    this.#held = true
  }

  goOn(): void {
    this.#held = false
    this.#serveWaiting()
  }

  get statistics(): ListenerStatistics {
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      open: this.#connections.size,
      statements: Number(Atomics.load(this.#statements, 0)),
    }
  }

  /** Makes the cluster's end of a connection for a client that has connected; undefined if there is no room for another process. */
  accept(peer: ListenAddress): ClientSocket | undefined {
    return this.#door?.accept(peer)
  }

  /** Stops listening. Connections that exist go on. */
  close(): void {
    this.#socket.close()
    for (const { socket } of this.#waiting) socket.destroy()
  }

  /** Ends the connections, each after its backend's last output. To be called when the cluster has ended. */
  finish(): void {
    for (const connection of this.#connections) connection.finish()
  }

  #serve(client: Socket): void {
    client.on('error', () => client.destroy())
    const door = this.#door
    const free = door !== undefined && !this.#held && !door.busy
    if (free && this.#waiting.size === 0) this.#letIn(door, client)
    else this.#waiting.add(new WaitingClient(client, gone => this.#waiting.delete(gone)))
  }

  #serveWaiting(): void {
    const door = this.#door
    if (door === undefined || this.#held) return
    for (const waiting of this.#waiting) {
      if (door.busy) return
      this.#waiting.delete(waiting)
      if (!waiting.socket.destroyed) this.#letIn(door, waiting.release())
    }
  }

  #letIn(door: Door, client: Socket): void {
    const backend = door.accept(peerOf(client))
    if (backend !== undefined) this.#connect(client, backend)
    else {
      this.#refused++
      refuse(client, TOO_MANY_CLIENTS)
    }
  }

  #connect(client: Socket, backend: ClientSocket): void {
    this.#accepted++
    backend.user = this.#socket.onlyUser
    const connection = new Connection(client, backend, {
      onEnd: ended => this.#connections.delete(ended),
      tls: this.#tls,
      statements: this.#statements,
    })
    this.#connections.add(connection)
  }
}

export function peerOf(client: Socket): ListenAddress {
  const { remoteAddress, remotePort, remoteFamily } = client
  if (remoteAddress === undefined || remotePort === undefined) return { path: '' }
  // A socket that listens for both families sees IPv4 addresses as IPv6 ones. pg_hba.conf and clients mean the former.
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(remoteAddress) ?? []
  if (mapped !== undefined) return { host: mapped, port: remotePort, family: 4 }
  return { host: remoteAddress, port: remotePort, family: remoteFamily === 'IPv6' ? 6 : 4 }
}
