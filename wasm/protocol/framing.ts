/** Cuts a client's bytes into whole messages, for a host that cannot wait for the rest of one. */
import { concatenated } from './bytes.js'
import { FrontendStream } from './frontend-stream.js'

export class Framing {
  /** Undefined until the first byte: if that is zero, it belongs to a startup packet's length, and a session begins. */
  #stream: FrontendStream | undefined
  /** Parts of a message that is not complete. */
  #parts: Uint8Array[] = []

  /** Adds bytes. Returns all messages that are complete now, in one piece, or undefined if none is. */
  add(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.length === 0) return undefined
    this.#stream ??= new FrontendStream(undefined, bytes[0] !== 0)
    const end = this.#stream.follow(bytes)
    if (end === 0) {
      this.#parts.push(bytes)
      return undefined
    }
    const messages = concatenated([...this.#parts, bytes.subarray(0, end)])
    this.#parts = end < bytes.length ? [bytes.subarray(end)] : []
    return messages
  }

  /** The bytes of the message that is not complete. */
  rest(): Uint8Array {
    return concatenated(this.#parts)
  }
}
