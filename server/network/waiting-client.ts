/**
 * A client that waits for a process of PostgreSQL. Its first bytes are read meanwhile, so that the server notices when the client
 * disconnects, and then starts no process for it.
 *
 * A client that ends its stream after one message has disconnected, unless that message is a cancel request. A client that has sent more
 * messages may have sent all that it wants to say, and still read the answers.
 */
import type { Socket } from 'node:net'
import { concatenated } from '../../wasm/protocol/bytes.js'
import { firstMessage } from '../../wasm/protocol/first-message.js'

/** About how many bytes are read in advance: the length of the longest startup packet that PostgreSQL accepts. */
const ENOUGH = 10_000

export class WaitingClient {
  #bytes: Uint8Array = new Uint8Array()

  /**
   * @param socket has not been read from
   * @param gone called when the client has disconnected; its socket is destroyed
   */
  constructor(
    readonly socket: Socket,
    readonly gone: (client: WaitingClient) => void,
  ) {
    socket.on('data', this.#read)
    socket.on('end', this.#atEnd)
    socket.on('close', this.#atClose)
    socket.resume()
  }

  /** Ends the waiting. The socket is as if it had not been read from. */
  release(): Socket {
    const { socket } = this
    this.#putBack()
    socket.off('end', this.#atEnd)
    socket.off('close', this.#atClose)
    return socket
  }

  readonly #read = (chunk: Uint8Array): void => {
    this.#bytes = concatenated([this.#bytes, chunk])
    const first = firstMessage(this.#bytes)
    const asks = first !== undefined && (first.kind === 'cancel' || first.length < this.#bytes.length)
    if (asks || this.#bytes.length >= ENOUGH) this.#putBack()
  }

  /** Stops reading. From now on the end of the stream is not noticed, because it comes after the bytes that are left in the socket. */
  #putBack(): void {
    const { socket } = this
    socket.pause()
    socket.off('data', this.#read)
    if (this.#bytes.length > 0) socket.unshift(this.#bytes)
    this.#bytes = new Uint8Array()
  }

  readonly #atEnd = (): void => {
    this.socket.destroy()
  }

  readonly #atClose = (): void => this.gone(this)
}
