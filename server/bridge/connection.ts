/**
 * One client of the bridge, and its WebSocket to the server. Once the WebSocket is open, bytes are moved between the two and not
 * looked at. Each connection has a WebSocket of its own, also one that only sends a cancel request.
 *
 * Memory stays bounded in both directions. While the client does not read, the WebSocket is not read either. The client's
 * socket is not read while the WebSocket has more than SEND_LIMIT to send, nor, if the server knows FLOW_CONTROL, while the
 * server has not taken all but WINDOW bytes of what was sent.
 */
import type { Socket } from 'node:net'
import WebSocket from 'ws'
import { fatalError } from '../../wasm/protocol/first-message.js'
import { CloseCode, FLOW_CONTROL, WINDOW } from '../../wasm/protocol/web-socket-protocol.js'
import { refuse } from '../network/refusal.js'

/** Bytes that a WebSocket may have to send before it gets more. */
const SEND_LIMIT = 256 * 1024

/** Milliseconds for the WebSocket's handshake. */
const HANDSHAKE_TIMEOUT = 30_000

/** Milliseconds between two pings. A server that has not answered one by the next is gone. */
const PING_INTERVAL = 30_000

/** Milliseconds that the server may take to end a session after its client has ended the stream: the statement may take long. */
const CLOSE_TIMEOUT = 24 * 60 * 60 * 1000

/** How many characters of an HTTP response's body the client is told. */
const EXPLANATION_LENGTH = 200

const SQLSTATE = { unreachable: '08001', refused: '08004' }

export class BridgeConnection {
  readonly #client: Socket
  readonly #socket: WebSocket
  readonly #remote: string
  readonly #onFailure: (text: string) => void
  #sent = 0
  #taken = 0
  #opened = false
  #refused = false
  #answered = true
  #pings: ReturnType<typeof setInterval> | undefined

  /**
   * @param client a connected socket with `allowHalfOpen` that has not been read from
   * @param onFailure called with what went wrong, in words
   */
  constructor(client: Socket, url: URL, onFailure: (text: string) => void) {
    this.#client = client
    this.#remote = `${url.protocol}//${url.host}${url.pathname}`
    this.#onFailure = onFailure
    const options = {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      closeTimeout: CLOSE_TIMEOUT,
    }
    const socket = new WebSocket(url, [FLOW_CONTROL], options)
    this.#socket = socket
    socket.on('open', () => this.#open())
    socket.on('message', (data, binary) => this.#toClient(data as Buffer, binary))
    socket.on('unexpected-response', (_request, response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', chunk => {
        text = (text + chunk).slice(0, EXPLANATION_LENGTH)
      })
      response.on('close', () => {
        const status = `${response.statusCode} ${response.statusMessage}`
        const explanation = text.trim().split('\n')[0]
        this.#refuse(
          SQLSTATE.refused,
          `there is no PostgreSQL at ${this.#remote}: HTTP status ${status}${explanation ? ` (${explanation})` : ''}`,
        )
      })
    })
    socket.on('error', error => {
      if (!this.#opened)
        this.#refuse(SQLSTATE.unreachable, `could not connect to ${this.#remote}: ${reasonOf(error)}`)
    })
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()))
    client.on('error', () => {
      // ECONNRESET and its like: 'close' follows, and is all there is to know.
    })
    client.on('close', () => this.#clientClosed())
  }

  /** Ends both sides at once. */
  close(): void {
    this.#client.destroy()
  }

  #open(): void {
    this.#opened = true
    const client = this.#client
    client.on('data', bytes => this.#toServer(bytes))
    client.on('end', () => this.#socket.close(CloseCode.Normal))
    client.on('drain', () => this.#socket.resume())
    client.resume()
    this.#socket.on('pong', () => {
      this.#answered = true
    })
    this.#pings = setInterval(() => {
      // While the WebSocket is paused, the answer is not read.
      if (!this.#answered && !this.#socket.isPaused) this.#socket.terminate()
      this.#answered = false
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping()
    }, PING_INTERVAL)
  }

  #toServer(bytes: Buffer): void {
    const socket = this.#socket
    if (socket.readyState !== WebSocket.OPEN) return
    this.#sent += bytes.length
    socket.send(bytes, () => this.#regulate())
    this.#regulate()
  }

  #regulate(): void {
    const underWay = this.#socket.protocol === FLOW_CONTROL ? this.#sent - this.#taken : 0
    if (this.#socket.bufferedAmount > SEND_LIMIT || underWay > WINDOW) this.#client.pause()
    else this.#client.resume()
  }

  #toClient(data: Buffer, binary: boolean): void {
    if (!binary) {
      this.#taken = Number(data.toString())
      this.#regulate()
    } else if (!this.#client.write(data)) this.#socket.pause()
  }

  #closed(code: number, reason: string): void {
    clearInterval(this.#pings)
    if (!this.#opened) return
    if (code !== CloseCode.Normal && code !== CloseCode.NoStatus)
      this.#onFailure(`${this.#remote} has closed the connection: ${reason || `status ${code}`}`)
    this.#client.resume()
    this.#client.destroySoon()
  }

  #clientClosed(): void {
    clearInterval(this.#pings)
    // A paused WebSocket would never read the server's Close.
    this.#socket.resume()
    if (this.#socket.readyState === WebSocket.OPEN || this.#socket.readyState === WebSocket.CONNECTING)
      this.#socket.terminate()
  }

  /** There will be no session: tells the client why. */
  #refuse(sqlstate: string, text: string): void {
    if (this.#refused) return
    this.#refused = true
    this.#onFailure(text)
    refuse(this.#client, fatalError(sqlstate, text))
  }
}

function reasonOf(error: Error & { code?: string; errors?: Error[] }): string {
  return error.message || error.errors?.[0]?.message || error.code || 'unknown error'
}
