/**
 * Clients from outside, from the request for a WebSocket to the end of the session. Clients that have logged in get most of the
 * server's connections and memory, but never all: however many clients there are, the object's own sessions find room.
 */
import type { OnDemandServer } from '../embedded/on-demand.js'
import type { EmbeddedServer } from '../embedded/server.js'
import type { ListenAddress } from '../wasm/cluster/cluster.js'
import { SessionRefused, tooManyClients } from '../wasm/cluster/session-refused.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { keysOf } from '../wasm/protocol/scram.js'
import { type Identity, Session } from '../wasm/queries/session.js'
import { checked } from './authentication.js'
import { lineTo } from './line.js'
import { Lobby } from './lobby.js'
import type { RemoteAccess } from './remote-access.js'
import { impossible, type RemoteServer, WebSocketConnection } from './web-socket.js'

/** Sessions that are left to the object itself, and bytes of memory for each. */
const RESERVED = 3
const SESSION_MEMORY = 6 << 20
/** The object reserves at most this part of all sessions' memory, so that a server with little memory still serves clients outside. */
const RESERVED_PART = 1 / 3

/** How many bytes the answer to one HTTP request may have. */
const LARGEST_ANSWER = 10 << 20

export class RemoteSessions {
  readonly #server: OnDemandServer
  readonly #access: RemoteAccess
  readonly #lobby = new Lobby()
  /** Connections that have a backend, and those of them whose backend has not taken its memory yet. */
  readonly #served = new Set<object>()
  readonly #starting = new Set<object>()
  readonly #capacity: number
  /** The last request to cancel a query. The server carries these out one after the other, because each takes a process. */
  #cancelling: Promise<void> = Promise.resolve()

  /** @param maxConnections PostgreSQL's max_connections */
  constructor(server: OnDemandServer, access: RemoteAccess, maxConnections: number) {
    this.#server = server
    this.#access = access
    this.#capacity = maxConnections - RESERVED
    void server.exited.then(() => this.#lobby.close(new SessionRefused('57P01', 'the server has stopped')))
  }

  serve(socket: WebSocket, flowControl: boolean, peer: ListenAddress): void {
    const { clients } = this.#server
    const remote: RemoteServer = {
      verifierOf: role => this.#whileThere(async ({ cluster }) => this.#access.verifierOf(cluster, role)),
      connect: async () => {
        clients.add(connection, reason => connection.serverEnded(reason))
        return this.#accept(await this.#server.reach(), connection, peer)
      },
      cancel: request => {
        this.#cancelling = this.#cancelling.then(() =>
          this.#whileThere(server => cancel(server, peer, request)),
        )
        return this.#cancelling
      },
      loggedIn: () => {
        this.#lobby.leave(connection)
        this.#starting.delete(connection)
      },
      ended: () => {
        this.#lobby.leave(connection)
        this.#starting.delete(connection)
        this.#served.delete(connection)
        clients.remove(connection)
      },
    }
    const connection = new WebSocketConnection(socket, flowControl, remote)
    this.#lobby.enter(connection, reason => connection.refuse(reason))
  }

  /** Calls `use` with a running server, which is not suspended before `use` has finished. */
  async #whileThere<T>(use: (server: EmbeddedServer) => Promise<T>): Promise<T> {
    const { clients } = this.#server
    const visitor = {}
    clients.add(visitor, () => {})
    try {
      return await use(await this.#server.reach())
    } finally {
      clients.remove(visitor)
    }
  }

  /** Opens a session for an HTTP client, which sends its password along with its queries. @throws SessionRefused, or PostgreSQL's Error */
  async open(identity: Identity, peer: ListenAddress): Promise<Session> {
    const { user, password = '' } = identity
    const verifier = await this.#whileThere(({ cluster }) => this.#access.verifierOf(cluster, user))
    if (verifier === undefined) throw impossible()
    checked(password === '' ? undefined : await keysOf(password, verifier), user)
    const client = {}
    const line = lineTo(this.#server, server => this.#accept(server, client, peer))
    line.stream.once('close', () => {
      this.#starting.delete(client)
      this.#served.delete(client)
    })
    const session = await Session.open(line, identity, LARGEST_ANSWER)
    this.#starting.delete(client)
    return session
  }

  #accept(server: EmbeddedServer, client: object, peer: ListenAddress): ClientSocket {
    try {
      this.#requireRoom(server)
    } catch (error) {
      server.refused()
      throw error
    }
    const backend = accepted(server, peer)
    this.#served.add(client)
    this.#starting.add(client)
    return backend
  }

  #requireRoom(server: EmbeddedServer): void {
    const { all, left } = server.room
    const reserved = Math.min(RESERVED * SESSION_MEMORY, all * RESERVED_PART)
    if (left - this.#starting.size * SESSION_MEMORY < reserved)
      throw new SessionRefused('53200', "out of memory: the rest is reserved for the object's own sessions")
    if (this.#served.size >= this.#capacity)
      throw new SessionRefused(
        '53300',
        "remaining connection slots are reserved for the object's own sessions",
      )
  }
}

function accepted(server: EmbeddedServer, peer: ListenAddress): ClientSocket {
  const backend = server.accept(peer)
  if (backend === undefined) throw tooManyClients()
  return backend
}

/** Starts a process for the request. It signals the backend that the request names, and ends. */
function cancel(server: EmbeddedServer, peer: ListenAddress, request: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    const backend = server.accept(peer)
    if (backend === undefined) return resolve()
    const done = () => {
      backend.release()
      resolve()
    }
    backend.onClose = done
    void server.exited.then(done)
    backend.setInput(request)
    backend.endInput()
  })
}
