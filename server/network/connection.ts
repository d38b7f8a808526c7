/**
 * One connection, of a client or to another server: moves bytes between a client's socket and its backend, and nothing
 * else. It does not look at the bytes, from the startup packet to the last message. When the client asks for TLS and the
 * backend agrees, the bytes move through a TLS socket from then on.
 *
 * Both directions stream with bounded memory. While the client does not read, the backend's output is not taken, so the ring
 * fills and the backend sleeps. While the backend does not read, the client's socket is not read, so TCP slows the client down.
 *
 * The backend's end is released exactly once: when the backend has closed it and all its output is in the client's
 * socket, or when the client is gone.
 */
import type { Socket } from 'node:net'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import type { TlsSession } from '../../wasm/machine/tls-session.js'
import type { StatementCounter } from '../../wasm/protocol/statement-count.js'
import type { Tls } from './tls.js'

/** Milliseconds without progress after which a client that does not read its backend's last output is disconnected. */
const PATIENCE = 60_000

export interface ConnectionOptions {
  /** Called once, when the backend's end has been released. */
  readonly onEnd: (connection: Connection) => void
  /** Does TLS on the client's socket; without it, backends cannot offer TLS. */
  readonly tls?: Tls | undefined
  /** Counts the statements that the client sends. */
  readonly counter?: StatementCounter
}

export class Connection {
  /** The client's socket, or the TLS socket on top of it. */
  #client: Socket
  readonly #backend: ClientSocket
  readonly #options: ConnectionOptions
  #released = false

  /** @param client a connected socket with `allowHalfOpen` that has not been read from */
  constructor(client: Socket, backend: ClientSocket, options: ConnectionOptions) {
    this.#client = client
    this.#backend = backend
    this.#options = options
    const { tls } = options

    this.#lendSocket()
    client.on('error', () => {
      // ECONNRESET, for example: 'close' follows, and says enough.
    })
    this.#listen()
    backend.onOutput = this.#toClient
    backend.onSpace = () => this.#client.resume()
    if (tls !== undefined) backend.onSecure = early => this.#secure(tls, early)
    backend.onShutdown = this.#toClient
    backend.onClose = () => this.finish()
    client.resume()
    this.#toClient()
  }

  /** Sends the client what the backend has written up to now, and ends the connection. To be called when the backend has ended. */
  finish(): void {
    if (this.#released) return
    this.#client.cork()
    for (const chunk of this.#backend.getOutput()) this.#client.write(chunk)
    this.#client.uncork()
    this.#client.off('data', this.#toBackend)
    this.#backend.reset()
    this.#release()
    // Without this, the system would answer input that comes late with a reset, and the client would lose the last output.
    this.#client.resume()
    this.#client.setTimeout(PATIENCE, () => this.#client.destroy())
    this.#client.destroySoon()
  }

  #listen(): void {
    this.#client.on('data', this.#toBackend)
    this.#client.on('end', this.#atEnd)
    this.#client.on('drain', this.#toClient)
    this.#client.on('close', this.#atClose)
  }

  readonly #atEnd = (): void => {
    if (!this.#released) this.#backend.endInput()
  }

  readonly #atClose = (): void => {
    if (this.#released) return
    this.#backend.reset()
    this.#release()
  }

  /**
   * Goes on inside TLS.
   *
   * @param early bytes that the backend has read and that belong to the handshake; they are put back into the socket
   */
  async #secure(tls: Tls, early: Uint8Array): Promise<TlsSession> {
    const client = this.#client
    client.pause()
    client.off('data', this.#toBackend)
    client.off('end', this.#atEnd)
    client.off('drain', this.#toClient)
    this.#backend.takeBackLent()
    const rest = this.#backend.takeBack()
    for (const chunk of this.#backend.getOutput()) client.write(chunk)
    if (client.writableLength > 0) await new Promise(resolve => client.write('', resolve))
    if (rest.length > 0) client.unshift(rest)
    if (early.length > 0) client.unshift(early)
    const { socket, session } = await tls.open(client)
    client.off('close', this.#atClose)
    this.#client = socket
    if (this.#released) {
      socket.destroy()
      throw new Error('the backend is gone')
    }
    this.#options.counter?.restart()
    this.#listen()
    socket.resume()
    return session
  }

  readonly #toBackend = (bytes: Buffer): void => {
    this.#options.counter?.add(bytes)
    if (!this.#backend.setInput(bytes)) this.#client.pause()
  }

  readonly #toClient = (): void => {
    const client = this.#client
    if (this.#released || client.writableNeedDrain) return
    client.cork()
    for (const chunk of this.#backend.getOutput()) {
      if (!client.write(chunk, this.#onSent)) break
    }
    client.uncork()
    if (this.#backend.outputEnded && !client.writableEnded) client.end()
  }

  readonly #onSent = (): void => {
    if (!this.#released && this.#client.writableLength === 0) this.#backend.flushed()
  }

  /**
   * Lets the backend's thread write to the system's socket itself, which halves the work per answer. The socket must not be
   * closed while that thread uses it, because its file descriptor could belong to another client by then.
   */
  #lendSocket(): void {
    const client = this.#client
    const { fd } = (client as unknown as { _handle?: { fd?: number } })._handle ?? {}
    if (fd === undefined || fd < 0) return
    const destroy = client._destroy
    client._destroy = (error, done) => {
      if (!this.#released) this.#backend.reset()
      destroy.call(client, error, done)
    }
    this.#backend.lend(fd)
  }

  #release(): void {
    this.#released = true
    this.#backend.release()
    this.#options.onEnd(this)
  }
}
