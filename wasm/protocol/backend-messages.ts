/** Reads a backend's output message by message, for code that is a client itself. */
import { concatenated } from './bytes.js'
import { headerOf } from './messages.js'

export interface BackendMessage {
  readonly type: string
  readonly body: Uint8Array
  /** The whole message, with type and length. */
  readonly bytes: Uint8Array
}

/** The source of a backend's output, such as a ClientSocket. */
export interface BackendOutput {
  getOutput(): Iterable<Uint8Array>
  /** Set by BackendMessages; to be called when there is new output. */
  onOutput: () => void
  /** Set by BackendMessages; to be called when there will be no more. */
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

  /** The next message, or undefined when the backend has ended. */
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

  /** The bytes that have come after the last message that next() returned. */
  rest(): Uint8Array {
    return this.#bytes
  }

  #message(): BackendMessage | undefined {
    const all = this.#bytes
    const header = headerOf(all, true)
    if (header === undefined || all.length < header.length) return undefined
    this.#bytes = all.subarray(header.length)
    const bytes = all.subarray(0, header.length)
    return { type: header.type, body: bytes.subarray(5), bytes }
  }
}
