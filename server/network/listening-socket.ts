/** A socket that listens, and hands each client's socket to onClient. */
import { createServer, type Server, type Socket } from 'node:net'
import { RING_SIZE } from '../../wasm/machine/abi.js'
import type { ListenAddress } from '../../wasm/machine/address.js'

/** Bytes that Node buffers per connection and direction: as many as a ring holds, so that one turn empties it. */
const HIGH_WATER_MARK = RING_SIZE

export class ListeningSocket {
  /** With the port that the system has chosen, if it was 0. */
  readonly address: ListenAddress
  readonly #server: Server

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
      server.listen('path' in address ? address : { ...address, ipv6Only: address.family === 6 }, resolve)
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
    server.on('connection', client => this.onClient(client))
  }

  /** Stops listening, and calls back when all connections have been closed as well. */
  close(closed?: () => void): void {
    this.#server.close(closed)
  }
}
