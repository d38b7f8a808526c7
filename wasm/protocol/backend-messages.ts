/** A backend's messages one by one, for the few that are not simply passed on. */
import { concatenated } from './bytes.js'
import { headerOf } from './messages.js'

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
    const header = headerOf(all, true)
    if (header === undefined || all.length < header.length) return undefined
    this.#bytes = all.subarray(header.length)
    const bytes = all.subarray(0, header.length)
    return { type: header.type, body: bytes.subarray(5), bytes }
  }
}
