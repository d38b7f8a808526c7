/** Cuts what arrives by WebSocket into messages of the backend. */
import { concatenated } from '../../../../wasm/protocol/bytes.js'
import { headerOf } from '../../../../wasm/protocol/messages.js'

export class Frames {
  readonly #onMessage: (type: string, body: Uint8Array) => void
  #parts: Uint8Array[] = []
  #size = 0
  /** Bytes that have to be there before it is worth looking again. */
  #needed = 5

  constructor(onMessage: (type: string, body: Uint8Array) => void) {
    this.#onMessage = onMessage
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.#size += bytes.length
    if (this.#size < this.#needed) return
    const all = concatenated(this.#parts)
    let at = 0
    for (;;) {
      const header = headerOf(all.subarray(at, at + 5), true)
      this.#needed = header?.length ?? 5
      if (header === undefined || all.length - at < header.length) break
      this.#onMessage(header.type, all.subarray(at + 5, at + header.length))
      at += header.length
    }
    this.#parts = at === all.length ? [] : [all.subarray(at)]
    this.#size = all.length - at
  }
}
