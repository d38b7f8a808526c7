/** A socket that listens, and hands each client's socket to onClient. */
import { createServer, type Server, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { RING_SIZE } from '../../wasm/machine/abi.js'
import type { ListenAddress } from '../../wasm/machine/address.js'
import { onlyUserOf } from './socket-user.js'

/** Bytes that Node buffers per connection and direction: as many as a ring holds, so that one turn empties it. */
const HIGH_WATER_MARK = RING_SIZE

export class ListeningSocket {
  /** With the port that the system has chosen, if it was 0. */
  readonly address: ListenAddress
  readonly #server: Server

  /** The path of a unix socket that only the user who runs this process could open to begin with. */
  readonly #private: string | undefined

  /** Called with the socket of each client; nothing has been read from it. The caller of bind() sets it. */
  onClient: (client: Socket) => void = client => client.destroy()

  /** Listens on an address. Rejects with the system's error: EADDRINUSE, EACCES, … */
  static async bind(address: ListenAddress): Promise<ListeningSocket> {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      highWaterMark: HIGH_WATER_MARK,
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      const listen = () =>
        server.listen('path' in address ? address : { ...address, ipv6Only: address.family === 6 }, resolve)
      if ('path' in address) forThisUser(listen)
      else listen()
    })
    server.removeAllListeners('error')
    // accept() has failed, mostly because there was no file descriptor. That client is disconnected, the others are served.
    server.on('error', () => {})
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? { port: bound.port } : {}
    return new ListeningSocket(server, { ...address, ...port })
  }

  private constructor(server: Server, address: ListenAddress) {
    this.#server = server
    this.address = address
    if ('path' in address && onlyUserOf(address.path) !== undefined) this.#private = address.path
    server.on('connection', client => this.onClient(client))
  }

  /** The name of the only user who can connect at the moment; undefined if others can as well. */
  get onlyUser(): string | undefined {
    return this.#private === undefined ? undefined : onlyUserOf(this.#private)
  }

  /** Stops listening, and calls back when all connections have been closed as well. */
  close(closed?: () => void): void {
    this.#server.close(closed)
  }
}

/** Calls a function that makes a unix socket, so that others cannot open it before PostgreSQL sets its permissions. */
function forThisUser(listen: () => void): void {
  // A thread cannot set it.
  const mask = isMainThread ? process.umask(0o077) : undefined
  listen()
  if (mask !== undefined) process.umask(mask)
}
