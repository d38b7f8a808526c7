/**
 * A client that connects by WebSocket: moves bytes between it and its backend. A binary message is a piece of the
 * frontend/backend protocol, cut anywhere; `@neondatabase/serverless` and `pglite-imports-server --remote` send such messages.
 *
 * Both directions stream with bounded memory. The backend's output waits while the WebSocket has much to send. The client's input cannot
 * wait, because a WebSocket cannot be paused: this file keeps what PostgreSQL does not take, and disconnects the client when that exceeds
 * a limit. A client that has agreed on FLOW_CONTROL does not reach the limit: text messages tell it how many bytes of its input
 * PostgreSQL has taken, and it never sends more than a window beyond those.
 *
 * A Close with status 1000 or without a status is the end of the client's stream, like TCP's FIN: PostgreSQL still executes what the
 * client has sent before. After any other end the client is gone, and PostgreSQL rolls its transaction back.
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

/** While a WebSocket has more unsent bytes than this, it gets no more output. */
const OUTPUT_LIMIT = 256 * 1024
/** Milliseconds between two checks whether it has sent them. */
const LOOK_INTERVAL = 5

/** Bytes of input that may wait for PostgreSQL. */
const INPUT_LIMIT = 16 << 20
/** The same for a client that has not logged in. */
const STRANGERS_INPUT_LIMIT = WINDOW

/** After how many bytes of input that PostgreSQL has taken the client is told so. */
const TELL_INTERVAL = 64 * 1024

/** How many requests for encryption may precede a startup message: one for SSL and one for GSSAPI. */
const ENCRYPTION_REQUESTS = 2

/** What a WebSocketConnection needs of the server. */
export interface RemoteServer {
  /** The verifier of this role's password. Undefined if no role has a password. */
  verifierOf(role: string): Promise<Verifier | undefined>
  /** Starts a backend for a client that has proved to know the password. @throws SessionRefused */
  connect(): Promise<ClientSocket>
  /** Passes a request to cancel a query to PostgreSQL. */
  cancel(request: Uint8Array): Promise<void>
  /** The client has logged in. */
  loggedIn(): void
  /** The client is gone, and so is its backend. */
  ended(): void
}

export class WebSocketConnection {
  readonly #socket: WebSocket
  readonly #flowControl: boolean
  readonly #server: RemoteServer
  #backend: ClientSocket | undefined
  /** Input that neither the login nor the backend has taken yet. */
  #input: Uint8Array[] = []
  #inputSize = 0
  #inputLimit = STRANGERS_INPUT_LIMIT
  #inputEnded = false
  /** Whether the backend has no room for more input. */
  #full = false
  /** Bytes taken, and how many of them the client has been told of. */
  #taken = 0
  #told = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false
  /** Wakes the code that waits for input. */
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
      // 'close' follows, and tells as much.
    })
    this.#begin().catch(error => {
      if (error instanceof SessionRefused) this.refuse(error)
      else this.#end(CloseCode.InternalError, String(error))
    })
  }

  /**
   * Sends the client the rest of the backend's output, then ends the connection.
   *
   * @param reason an error for the client, where the backend cannot send it itself
   */
  finish(code: number = CloseCode.Normal, text = '', reason?: SessionRefused): void {
    if (this.#ended) return
    if (this.#backend !== undefined) for (const chunk of this.#backend.getOutput()) this.#send(chunk)
    if (reason !== undefined) this.#send(reason.response)
    this.#end(code, text)
  }

  /** The server has ended; disconnects the client if it had a backend there. */
  serverEnded(reason: SessionRefused | undefined): void {
    if (this.#backend !== undefined) this.finish(CloseCode.GoingAway, 'the server has stopped', reason)
  }

  /** Disconnects a client that has no backend. */
  refuse(reason: SessionRefused): void {
    const full = reason.code.startsWith('53')
    this.finish(full ? CloseCode.TryAgainLater : CloseCode.PolicyViolation, reason.message, reason)
  }

  /** Reads the client's first message, and does what it asks for. */
  async #begin(): Promise<void> {
    const first = await this.#firstMessage()
    if (first === undefined) return this.#end(CloseCode.Normal, '')
    const message = this.#takeInput(first.length)
    if (first.kind === 'startup') return this.#logIn(message)
    if (first.kind === 'cancel') await this.#server.cancel(message)
    else this.#send(new SessionRefused('08P01', 'expected a startup message of protocol 3').response)
    this.#end(CloseCode.Normal, '')
  }

  /** The client's startup message or request to cancel; undefined when the client has gone without one. */
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

  /** Waits for more input. Returns false if the client cannot send any. */
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

  /** Takes `length` bytes from the beginning of the input. */
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
      // The WebSocket is closed: 'close' follows.
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
      // The WebSocket is closed already.
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
