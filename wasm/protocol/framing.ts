/**
 * Cuts a client's bytes into whole messages of the frontend protocol, as far as a host must that cannot wait for the
 * rest of one: a startup packet is a length and its contents, every later message has a type byte before that
 * (PostgreSQL documentation, "Message Formats").
 */

const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104

export class Framing {
  #parts: Uint8Array[] = []
  #size = 0
  /** Bytes to have before it is worth looking again. */
  #needed = 1
  /** undefined until the first byte tells: a startup packet begins with the zero byte of its length. */
  #startup: boolean | undefined

  /** Adds bytes; returns all whole messages that there are now, in one piece, or undefined. */
  add(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.length === 0) return undefined
    this.#startup ??= bytes[0] === 0
    this.#parts.push(bytes)
    this.#size += bytes.length
    if (this.#size < this.#needed) return undefined
    const all = this.rest()
    const end = this.#wholeMessages(all)
    this.#parts = end < all.length ? [all.subarray(end)] : []
    this.#size = all.length - end
    this.#needed -= end
    return end > 0 ? all.subarray(0, end) : undefined
  }

  /** What is left: part of a message. */
  rest(): Uint8Array {
    const all = new Uint8Array(this.#size)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }

  /** Where the last whole message ends; notes where the next one would. */
  #wholeMessages(all: Uint8Array): number {
    const view = new DataView(all.buffer)
    let at = 0
    for (;;) {
      const header = this.#startup ? 4 : 5
      if (all.length < at + header) {
        this.#needed = at + header
        return at
      }
      const length = view.getUint32(at + header - 4)
      const end = at + header - 4 + Math.max(length, 4)
      if (all.length < end) {
        this.#needed = end
        return at
      }
      if (this.#startup) {
        const code = length >= 8 ? view.getUint32(at + 4) : 0
        this.#startup = code === SSL_REQUEST || code === GSSENC_REQUEST
      }
      at = end
    }
  }
}
