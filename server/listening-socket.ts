/** A socket that listens, and hands over the clients that come. */
import { createServer, type Server, type Socket } from 'node:net'
import { RING_SIZE } from '../wasm/machine/abi.js'
import type { ListenAddress } from '../wasm/machine/address.js'

/** What Node buffers per connection and direction, in bytes: as much as a ring holds, so that one turn empties it. */
const HIGH_WATER_MARK = RING_SIZE

export class ListeningSocket {
  /** With the port that it has got. */
  readonly address: ListenAddress
  readonly #server: Server

  /** Called with the socket of each client that comes, which has not been read from. To be set by who has bound it. */
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
      server.listen('path' in address ? address : { ...address, ipv6Only: address.family === 6 }, resolve)
    })
    server.removeAllListeners('error')
    // accept() failed, for want of file descriptors mostly: that client is refused, the others are served.
    server.on('error', () => {})
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? { port: bound.port } : {}
    return new ListeningSocket(server, { ...address, ...port })
  }

  private constructor(server: Server, address: ListenAddress) {
    this.#server = server
    this.address = address
    server.on('connection', client => this.onClient(client))
  }

  /** Stops listening, and calls back when all connections have been closed as well. */
  close(closed?: () => void): void {
    this.#server.close(closed)
  }
}
