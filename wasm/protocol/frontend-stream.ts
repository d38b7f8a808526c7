/**
 * Follows a frontend's messages from header to header, wherever the bytes are cut. First come messages without a type: requests
 * for encryption and the startup message. All later messages have a type. Bodies are skipped, and nothing is kept.
 */
import { asksForEncryption, type Header, headerOf } from './messages.js'

export class FrontendStream {
  readonly #onHeader: (header: Header) => void
  #typed: boolean
  /** The beginning of the next header. No header is longer. */
  readonly #header = new Uint8Array(8)
  #have = 0
  /** Bytes of the present message that have not come yet. */
  #left = 0

  /**
   * @param onHeader called when a header is complete
   * @param typed whether the first message has a type, that is, whether the session has begun already
   */
  constructor(onHeader: (header: Header) => void = () => {}, typed = false) {
    this.#onHeader = onHeader
    this.#typed = typed
  }

  /** Follows these bytes. Returns how many of them belong to messages that are complete now. */
  follow(bytes: Uint8Array): number {
    let whole = 0
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at)
        this.#left -= passed
        at += passed
      } else {
        const uncut = this.#have === 0 ? headerOf(bytes, this.#typed, at) : undefined
        if (uncut !== undefined) this.#begin(uncut, 0)
        else {
          this.#header[this.#have++] = bytes[at++]!
          const header = headerOf(this.#header.subarray(0, this.#have), this.#typed)
          if (header === undefined) continue
          this.#begin(header, this.#have)
          this.#have = 0
        }
      }
      if (this.#left === 0) whole = at
    }
    return whole
  }

  /** @param have how many bytes of the message have been passed */
  #begin(header: Header, have: number): void {
    this.#left = header.length - have
    this.#typed ||= !asksForEncryption(header)
    this.#onHeader(header)
  }
}
