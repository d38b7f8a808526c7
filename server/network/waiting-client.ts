/**
 * A client for whom there is no process yet. What it says first is read while it waits, so that it is noticed if it goes: then no
 * process is started for it.
 *
 * Who ends its stream after its first message alone has gone, unless that is a request to cancel. Who has said more may be one that
 * has said all in advance, and reads.
 */
import type { Socket } from 'node:net'
import { concatenated } from '../../wasm/protocol/bytes.js'
import { firstMessage } from '../../wasm/protocol/first-message.js'

/** Bytes that are read in advance, about: the longest startup packet that PostgreSQL takes. */
const ENOUGH = 10_000

export class WaitingClient {
  #bytes: Uint8Array = new Uint8Array()

  /**
   * @param socket has not been read from
   * @param gone called when the client has gone; its socket is destroyed
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

  /** From now on an end of the stream is not noticed, because it comes after these bytes. */
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
