/** Reads the body of a message: PostgreSQL documentation, "Message Formats". */
const decoder = new TextDecoder()

export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#view.getUint8(this.#at++)
  }

  int16(): number {
    this.#at += 2
    return this.#view.getInt16(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#view.getInt32(this.#at - 4)
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  bytes(length: number): Uint8Array {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** A string that ends in a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    const text = decoder.decode(this.#bytes.subarray(this.#at, end))
    this.#at = end + 1
    return text
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }
}

export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)
