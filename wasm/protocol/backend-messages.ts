/** A backend's messages one by one, for the few that are not simply passed on. */
import { concatenated } from './bytes.js'

export interface BackendMessage {
  readonly type: string
  readonly body: Uint8Array
  /** All of it. */
  readonly bytes: Uint8Array
}

/** Where a backend's output comes from. */
export interface BackendOutput {
  getOutput(): Iterable<Uint8Array>
  /** There is new output. */
  onOutput: () => void
  /** There will be no more. */
  onClose: () => void
}

export class BackendMessages {
  readonly #backend: BackendOutput
  #bytes = new Uint8Array() as Uint8Array
  #closed = false
  #wake: () => void = () => {}

  constructor(backend: BackendOutput) {
    this.#backend = backend
    backend.onOutput = () => this.#wake()
    backend.onClose = () => {
      this.#closed = true
      this.#wake()
    }
  }

  /** The next one, or undefined when the backend has ended. */
  async next(): Promise<BackendMessage | undefined> {
    for (;;) {
      this.#bytes = concatenated([this.#bytes, ...this.#backend.getOutput()])
      const message = this.#message()
      if (message !== undefined || this.#closed) return message
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** What has come behind the last message that was asked for. */
  rest(): Uint8Array {
    return this.#bytes
  }

  #message(): BackendMessage | undefined {
    const all = this.#bytes
    if (all.length < 5) return undefined
    const end = 1 + new DataView(all.buffer, all.byteOffset).getUint32(1)
    if (all.length < end) return undefined
    this.#bytes = all.subarray(end)
    return { type: String.fromCharCode(all[0]!), body: all.subarray(5, end), bytes: all.subarray(0, end) }
  }
}

/** A message of a frontend. */
export function message(type: string, ...parts: (Uint8Array | string)[]): Uint8Array {
  const encoder = new TextEncoder()
  const body = parts.map(part => (typeof part === 'string' ? encoder.encode(part) : part))
  const head = new Uint8Array(type.length + 4)
  head.set(encoder.encode(type))
  new DataView(head.buffer).setUint32(type.length, 4 + body.reduce((sum, { length }) => sum + length, 0))
  return concatenated([head, ...body])
}
