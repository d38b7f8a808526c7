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

import { SessionRefused } from '../wasm/cluster/session-refused.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { concatenated } from '../wasm/protocol/bytes.js'
import {
  type FirstMessage,
  firstMessage,
  NO_ENCRYPTION,
  startupParameters,
} from '../wasm/protocol/first-message.js'
import { headerOf } from '../wasm/protocol/messages.js'
import type { Verifier } from '../wasm/protocol/scram.js'
import { CloseCode, WINDOW } from '../wasm/protocol/web-socket-protocol.js'
import { authenticate } from './authentication.js'
import { logIn } from './login.js'

/** Bytes of output that a WebSocket may have before it gets more. */
const OUTPUT_LIMIT = 256 * 1024
/** Milliseconds between two looks whether it has sent them. */
const LOOK_INTERVAL = 5

/** Bytes of input that are kept. */
const INPUT_LIMIT = 16 << 20
/** The same for a client that has not logged in. */
const STRANGERS_INPUT_LIMIT = WINDOW

/** Bytes of input that are taken between two tellings of it. */
const TELL_INTERVAL = 64 * 1024

/** How many requests for encryption may precede a startup message: SSL's and GSSAPI's. */
const ENCRYPTION_REQUESTS = 2

/** What a client by WebSocket asks of the server. */
export interface RemoteServer {
  /** What a client that says it is this role has to know. Undefined if nobody can log in at all. */
  verifierOf(role: string): Promise<Verifier | undefined>
  /** Makes a backend's connection for one that knows it. @throws SessionRefused */
  connect(): Promise<ClientSocket>
  /** Has a request to cancel a query carried out. */
  cancel(request: Uint8Array): Promise<void>
  /** The client has logged in. */
  loggedIn(): void
  /** There is no client any more, nor a backend of it. */
  ended(): void
}

export class WebSocketConnection {
  readonly #socket: WebSocket
  readonly #flowControl: boolean
  readonly #server: RemoteServer
  #backend: ClientSocket | undefined
  /** Input that nobody has taken yet. */
  #input: Uint8Array[] = []
  #inputSize = 0
  #inputLimit = STRANGERS_INPUT_LIMIT
  #inputEnded = false
  /** Whether the backend has no room. */
  #full = false
  /** Bytes taken, and how many of them the client has been told of. */
  #taken = 0
  #told = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false
  /** Wakes who waits for input. */
  #wake: () => void = () => {}

  /**
   * @param socket accepted, with `binaryType` 'arraybuffer' and, where there is that, `allowHalfOpen`
   * @param flowControl whether the client has agreed on FLOW_CONTROL
   */
  constructor(socket: WebSocket, flowControl: boolean, server: RemoteServer) {
    this.#socket = socket
    this.#flowControl = flowControl
    this.#server = server
    socket.addEventListener('message', ({ data }) => this.#receive(data))
    socket.addEventListener('close', ({ code }) => this.#closed(code))
    socket.addEventListener('error', () => {
      // 'close' follows, and is all there is to know.
    })
    this.#begin().catch(error => {
      if (error instanceof SessionRefused) this.refuse(error)
      else this.#end(CloseCode.InternalError, String(error))
    })
  }

  /**
   * Hands the client what the backend has written up to now, as its last words.
   *
   * @param reason why there is no more, where the backend cannot say so itself
   */
  finish(code: number = CloseCode.Normal, text = '', reason?: SessionRefused): void {
    if (this.#ended) return
    if (this.#backend !== undefined) for (const chunk of this.#backend.getOutput()) this.#send(chunk)
    if (reason !== undefined) this.#send(reason.response)
    this.#end(code, text)
  }

  /** The server has ended, on which it may have a backend. */
  serverEnded(reason: SessionRefused | undefined): void {
    if (this.#backend !== undefined) this.finish(CloseCode.GoingAway, 'the server has stopped', reason)
  }

  /** Ends a client that has no backend. */
  refuse(reason: SessionRefused): void {
    const full = reason.code.startsWith('53')
    this.finish(full ? CloseCode.TryAgainLater : CloseCode.PolicyViolation, reason.message, reason)
  }

  /** From the client's first byte to its session's first. */
  async #begin(): Promise<void> {
    const first = await this.#firstMessage()
    if (first === undefined) return this.#end(CloseCode.Normal, '')
    const message = this.#takeInput(first.length)
    if (first.kind === 'startup') return this.#logIn(message)
    if (first.kind === 'cancel') await this.#server.cancel(message)
    else this.#send(new SessionRefused('08P01', 'expected a startup message of protocol 3').response)
    this.#end(CloseCode.Normal, '')
  }

  /** Undefined when the client is gone without one. */
  async #firstMessage(): Promise<FirstMessage | undefined> {
    for (let requests = 0; ; ) {
      const first = firstMessage(concatenated(this.#input))
      if (first?.kind === 'encryption' && requests < ENCRYPTION_REQUESTS) {
        requests++
        this.#takeInput(first.length)
        this.#send(NO_ENCRYPTION)
      } else if (first !== undefined) return first
      else if (!(await this.#more())) return undefined
    }
  }

  async #logIn(startup: Uint8Array): Promise<void> {
    const user = startupParameters(startup).get('user')
    if (!user) throw new SessionRefused('28000', 'no PostgreSQL user name specified in startup packet')
    const verifier = await this.#server.verifierOf(user)
    if (verifier === undefined) throw impossible()
    const keys = await authenticate(this.#interlocutor(), user, verifier)
    if (keys === undefined || this.#ended) return this.#end(CloseCode.Normal, '')
    const backend = await this.#server.connect()
    this.#backend = backend
    if (this.#ended) return this.#release()
    backend.setInput(startup)
    const { output, succeeded } = await logIn(backend, keys)
    if (this.#ended) return
    this.#send(output)
    if (!succeeded) return this.#end(CloseCode.Normal, '')
    this.#inputLimit = INPUT_LIMIT
    this.#server.loggedIn()
    this.#serve(backend)
  }

  #interlocutor() {
    const connection = this
    return {
      get hasSpoken() {
        return connection.#inputSize > 0
      },
      next: () => this.#nextMessage(),
      send: (bytes: Uint8Array) => this.#send(bytes),
    }
  }

  async #nextMessage(): Promise<{ type: string; body: Uint8Array } | undefined> {
    for (;;) {
      const header = headerOf(concatenated(this.#input), true)
      if (header !== undefined && header.length <= this.#inputSize)
        return { type: header.type, body: this.#takeInput(header.length).subarray(5) }
      if (!(await this.#more())) return undefined
    }
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

  /** Waits for more input. Returns whether any can be expected. */
  async #more(): Promise<boolean> {
    if (this.#ended || this.#inputEnded) return false
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    return true
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
    if (this.#inputSize > this.#inputLimit)
      this.#end(
        CloseCode.TooBig,
        `more than ${this.#inputLimit >> 20} MiB sent before PostgreSQL could take it`,
      )
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
    if (!this.#flowControl || this.#taken - this.#told < TELL_INTERVAL) return
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
    this.#release()
    this.#wake()
    try {
      this.#socket.close(code, reason.slice(0, 120))
    } catch {
      // It is closed.
    }
    this.#server.ended()
  }

  #release(): void {
    this.#backend?.reset()
    this.#backend?.release()
  }
}

/** No role has a password. */
export const impossible = () =>
  new SessionRefused(
    '28000',
    'remote logins are refused: no role of this cluster has a password',
    'Give createPostgres() a "password", or set one by ALTER ROLE ... PASSWORD.',
  )
