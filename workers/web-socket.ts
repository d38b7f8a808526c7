/**
 * A client that comes by WebSocket: moves bytes between it and its backend. A binary message is a piece of the
 * frontend/backend protocol, cut anywhere; this is what `@neondatabase/serverless` and `pglite-imports-server --remote` speak.
 *
 * Both directions stream with bounded memory. Output waits while the WebSocket has much of it to send. Input cannot be made
 * to wait, for a WebSocket has no pause: what PostgreSQL does not take is kept, up to a limit at which the client is
 * disconnected. A client that has agreed on FLOW_CONTROL does not get there: it is told, by text messages, how many bytes
 * of its input have been taken, and stays within a window.
 *
 * A Close of status 1000, or without one, is the end of the client's stream, like TCP's FIN: what was sent before is still
 * done. Any other end is a client that is gone: its transaction is rolled back.
 */

import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { concatenated } from '../wasm/protocol/bytes.js'
import {
  type FirstMessage,
  fatalError,
  firstMessage,
  NO_ENCRYPTION,
  TOO_MANY_CLIENTS,
} from '../wasm/protocol/first-message.js'
import { CloseCode } from '../wasm/protocol/web-socket-protocol.js'
import { logIn, unaskedPassword } from './login.js'

/** Bytes of output that a WebSocket may have before it gets more. */
const OUTPUT_LIMIT = 256 * 1024
/** Milliseconds between two looks whether it has sent them. */
const LOOK_INTERVAL = 5

/** Bytes of input that are kept. */
const INPUT_LIMIT = 16 << 20

/** Bytes of input that are taken between two tellings of it. */
const TELL_INTERVAL = 64 * 1024

/** Milliseconds that a client has for its first message: PostgreSQL's authentication_timeout only begins with that. */
const FIRST_MESSAGE_TIMEOUT = 60_000

/** How many requests for encryption may precede a startup message: SSL's and GSSAPI's. */
const ENCRYPTION_REQUESTS = 2

export interface WebSocketConnectionOptions {
  /** Makes the backend's connection, or returns undefined when there is no room for one. */
  readonly connect: () => Promise<ClientSocket | undefined>
  /** Whether anyone can log in at all. */
  readonly possible: () => Promise<boolean>
  /** Whether the client has agreed on FLOW_CONTROL. */
  readonly flowControl: boolean
}

export class WebSocketConnection {
  readonly #socket: WebSocket
  readonly #options: WebSocketConnectionOptions
  readonly #onEnd: (connection: WebSocketConnection) => void
  #backend: ClientSocket | undefined
  /** Input that nobody has taken yet. */
  #input: Uint8Array[] = []
  #inputSize = 0
  #inputEnded = false
  /** Whether the backend has no room. */
  #full = false
  /** Bytes taken, and how many of them the client has been told of. */
  #taken = 0
  #told = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false
  /** Wakes who waits for the first messages. */
  #wake: () => void = () => {}

  /**
   * @param socket accepted, with `binaryType` 'arraybuffer' and, where there is that, `allowHalfOpen`
   * @param onEnd called once, when there is no backend any more
   */
  constructor(
    socket: WebSocket,
    options: WebSocketConnectionOptions,
    onEnd: (connection: WebSocketConnection) => void,
  ) {
    this.#socket = socket
    this.#options = options
    this.#onEnd = onEnd
    socket.addEventListener('message', ({ data }) => this.#receive(data))
    socket.addEventListener('close', ({ code }) => this.#closed(code))
    socket.addEventListener('error', () => {
      // 'close' follows, and is all there is to know.
    })
    this.#timer = setTimeout(
      () => this.#end(CloseCode.PolicyViolation, 'no startup message'),
      FIRST_MESSAGE_TIMEOUT,
    )
    this.#begin().catch(error => this.#end(CloseCode.InternalError, String(error)))
  }

  /** Hands the client what the backend has written up to now, as its last words. */
  finish(code: number = CloseCode.Normal, reason = ''): void {
    if (this.#ended) return
    if (this.#backend !== undefined) for (const chunk of this.#backend.getOutput()) this.#send(chunk)
    this.#end(code, reason)
  }

  /** From the client's first byte to its session's first. */
  async #begin(): Promise<void> {
    let first: FirstMessage | undefined
    for (let requests = 0; ; requests++) {
      first = firstMessage(concatenated(this.#input))
      while (first === undefined && !this.#ended && !this.#inputEnded) {
        await this.#more()
        first = firstMessage(concatenated(this.#input))
      }
      if (first?.kind !== 'encryption' || requests === ENCRYPTION_REQUESTS) break
      this.#takeInput(first.length)
      this.#send(NO_ENCRYPTION)
    }
    clearTimeout(this.#timer)
    if (first === undefined) return this.#end(CloseCode.Normal, '')
    if (first.kind === 'startup' && !(await this.#options.possible())) {
      const hint = 'Give createPostgres() a "password", or set one by ALTER ROLE ... PASSWORD.'
      this.#send(
        fatalError('28000', 'remote logins are refused: no role of this cluster has a password', hint),
      )
      return this.#end(CloseCode.PolicyViolation, 'remote logins are refused')
    }
    if (this.#ended) return
    const backend = await this.#options.connect()
    if (this.#ended) {
      backend?.reset()
      backend?.release()
      return
    }
    if (backend === undefined) {
      this.#send(TOO_MANY_CLIENTS)
      return this.#end(CloseCode.TryAgainLater, 'too many clients')
    }
    this.#backend = backend
    const input = concatenated(this.#input)
    const unasked = first.kind === 'startup' ? unaskedPassword(input.subarray(first.length)) : undefined
    if (unasked !== undefined) {
      backend.setInput(this.#takeInput(first.length))
      this.#takeInput(input.length - first.length - unasked.rest.length)
      const { output, succeeded } = await logIn(backend, unasked.password)
      if (this.#ended) return
      this.#send(output)
      if (!succeeded) return this.#end(CloseCode.Normal, '')
    }
    this.#serve(backend)
  }

  #serve(backend: ClientSocket): void {
    backend.onOutput = () => this.#toClient()
    backend.onSpace = () => {
      this.#full = false
      this.#toBackend()
    }
    backend.onShutdown = () => this.#toClient()
    backend.onClose = () => this.finish()
    this.#wake = () => this.#toBackend()
    this.#toBackend()
    this.#toClient()
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #receive(data: unknown): void {
    if (this.#ended) return
    if (!(data instanceof ArrayBuffer)) {
      this.#end(CloseCode.UnsupportedData, "PostgreSQL's protocol is binary")
      return
    }
    if (data.byteLength === 0) return
    this.#input.push(new Uint8Array(data))
    this.#inputSize += data.byteLength
    this.#wake()
    if (this.#inputSize > INPUT_LIMIT)
      this.#end(CloseCode.TooBig, `more than ${INPUT_LIMIT >> 20} MiB sent before PostgreSQL could take it`)
  }

  /** Takes so many bytes out of the input. */
  #takeInput(length: number): Uint8Array {
    const all = concatenated(this.#input)
    const rest = all.subarray(length)
    this.#input = rest.length > 0 ? [rest] : []
    this.#count(length)
    return all.subarray(0, length)
  }

  #count(length: number): void {
    this.#inputSize -= length
    this.#taken += length
    if (!this.#options.flowControl || this.#taken - this.#told < TELL_INTERVAL) return
    this.#told = this.#taken
    this.#send(String(this.#taken))
  }

  #toBackend(): void {
    const backend = this.#backend
    while (backend !== undefined && !this.#full && !this.#ended) {
      const chunk = this.#input.shift()
      if (chunk === undefined) {
        if (this.#inputEnded) backend.endInput()
        return
      }
      this.#full = !backend.setInput(chunk)
      this.#count(chunk.length)
    }
  }

  #toClient(): void {
    clearTimeout(this.#timer)
    const backend = this.#backend
    if (backend === undefined || this.#ended) return
    const full = () => (this.#socket.bufferedAmount ?? 0) > OUTPUT_LIMIT
    if (!full()) {
      for (const chunk of backend.getOutput()) {
        this.#send(chunk)
        if (full()) break
      }
    }
    if (this.#ended) return
    if (full()) this.#timer = setTimeout(() => this.#toClient(), LOOK_INTERVAL)
    else if (backend.outputEnded) this.#end(CloseCode.Normal, '')
  }

  #send(data: Uint8Array | string): void {
    try {
      this.#socket.send(data as Uint8Array<ArrayBuffer> | string)
    } catch {
      // It has been closed, which its event tells.
    }
  }

  #closed(code: number): void {
    if (code === CloseCode.Normal || code === CloseCode.NoStatus) {
      this.#inputEnded = true
      this.#wake()
    } else this.#end(CloseCode.Normal, '')
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#input = []
    this.#backend?.reset()
    this.#backend?.release()
    this.#wake()
    try {
      this.#socket.close(code, reason.slice(0, 120))
    } catch {
      // It is closed.
    }
    this.#onEnd(this)
  }
}
