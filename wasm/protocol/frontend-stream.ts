/**
 * Follows what a frontend sends, cut anywhere, from header to header: messages without a type, until one of them does not ask
 * for encryption, and then messages with one. Bodies are passed over, and nothing is kept.
 */
import { asksForEncryption, type Header, headerOf } from './messages.js'

export class FrontendStream {
  readonly #onHeader: (header: Header) => void
  #typed: boolean
  /** The beginning of the header that comes next; no header is longer. */
  readonly #header = new Uint8Array(8)
  #have = 0
  /** Bytes of the present message that are to come. */
  #left = 0

  /**
   * @param onHeader called when a header is complete
   * @param typed whether the first message has a type: in a session that has begun
   */
  constructor(onHeader: (header: Header) => void = () => {}, typed = false) {
    this.#onHeader = onHeader
    this.#typed = typed
  }

  /** Goes on with these bytes. Returns how many of them belong to messages that are whole now. */
  follow(bytes: Uint8Array): number {
    let whole = 0
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at)
        this.#left -= passed
        at += passed
      } else {
        this.#header[this.#have++] = bytes[at++]!
        const header = headerOf(this.#header.subarray(0, this.#have), this.#typed)
        if (header === undefined) continue
        this.#left = header.length - this.#have
        this.#have = 0
        this.#typed ||= !asksForEncryption(header)
        this.#onHeader(header)
      }
      if (this.#left === 0) whole = at
    }
    return whole
  }
}
