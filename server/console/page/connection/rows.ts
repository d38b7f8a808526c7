/** The rows of a result. Their bytes are kept as they came, in a few large blocks, and decoded when they are looked at. */
import { Reader, textOf } from './reader.js'

const BLOCK = 1 << 20

export class Rows {
  #length = 0
  #size = 0
  readonly #blocks: Uint8Array[] = []
  #used = BLOCK
  /** By row, the block and the place in it. */
  readonly #block: number[] = []
  readonly #start: number[] = []

  get length(): number {
    return this.#length
  }

  /** Bytes of all rows. */
  get size(): number {
    return this.#size
  }

  /** @param body of a DataRow message */
  add(body: Uint8Array): void {
    let block = this.#blocks.at(-1)
    if (block === undefined || this.#used + body.length > block.length) {
      block = new Uint8Array(Math.max(BLOCK, body.length))
      this.#blocks.push(block)
      this.#used = 0
    }
    block.set(body, this.#used)
    this.#block.push(this.#blocks.length - 1)
    this.#start.push(this.#used)
    this.#used += body.length
    this.#size += body.length
    this.#length++
  }

  /** The values of a row, as PostgreSQL's texts. */
  at(row: number): (string | null)[] {
    const block = this.#blocks[this.#block[row]!]!
    const reader = new Reader(block.subarray(this.#start[row]!))
    return Array.from({ length: reader.int16() }, () => {
      const length = reader.int32()
      return length < 0 ? null : textOf(reader.bytes(length))
    })
  }
}
