/** Cuts a client's bytes into whole messages, for a host that cannot wait for the rest of one. */
import { concatenated } from './bytes.js'
import { FrontendStream } from './frontend-stream.js'

export class Framing {
  /** undefined until the first byte tells whether a session begins: a startup packet's is the zero byte of its length. */
  #stream: FrontendStream | undefined
  /** Parts of a message that is not whole. */
  #parts: Uint8Array[] = []

  /** Adds bytes; returns all whole messages that there are now, in one piece, or undefined. */
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

  /** What is left: part of a message. */
  rest(): Uint8Array {
    return concatenated(this.#parts)
  }
}
