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
import { RING_SIZE } from '../machine/abi.js'
import type { ClientSocket, MovingSocket } from '../machine/client-socket.js'
import type { OutgoingTlsSession, OutgoingTlsSettings, TlsSession } from '../machine/tls-session.js'
import { StatementCounter } from '../protocol/statement-count.js'
import { type Handle, handleOf, socketOf } from './socket-channel.js'

/** Milliseconds without progress after which a client that does not read its backend's last output is disconnected. */
const PATIENCE = 60_000

export interface ConnectionOptions {
  /** Called once, when the backend's end has been released. */
  readonly onEnd: (connection: Connection) => void
  /** Called when the client's socket has been closed, after that. */
  readonly onClosed?: () => void
  /** Does TLS on the client's socket; without it, backends cannot offer TLS. */
  readonly tls?: SocketTls | undefined
  /** Does TLS on the socket of a connection to another server; without it, the process cannot have TLS there. */
  readonly connectTls?: ConnectTls
  /** Counts the statements that the client sends, in its first number. */
  readonly statements?: BigInt64Array | undefined
}

/** TLS on sockets. */
export interface SocketTls {
  /** 'none' as long as there is no certificate. */
  readonly state: string
  /** Does the handshake. Resolves to the socket to read and write from now on. */
  open(client: Socket): Promise<{ socket: Socket; session: TlsSession }>
}

/**
 * Does the handshake with another server. Resolves to the socket to read and write from now on.
 *
 * @param failed to be called when TLS ends the connection later
 */
export type ConnectTls = (
  socket: Socket,
  settings: OutgoingTlsSettings,
  failed: (reason: string) => void,
) => Promise<{ socket: Socket; session: OutgoingTlsSession }>

export class Connection {
  /** The client's socket, or the TLS socket on top of it. */
  #client: Socket
  readonly #backend: ClientSocket
  readonly #options: ConnectionOptions
  readonly #counter: StatementCounter | undefined
  #released = false
  /** Whether the client's socket has gone to another thread. */
  #moved = false

  /** @param client a connected socket with `allowHalfOpen` that has not been read from */
  constructor(client: Socket, backend: ClientSocket, options: ConnectionOptions) {
    this.#client = client
    this.#backend = backend
    this.#options = options
    const { tls, connectTls, statements } = options
    this.#counter = statements && new StatementCounter(() => Atomics.add(statements, 0, 1n))

    this.#lendSocket()
    client.on('error', () => {
      // ECONNRESET, for example: 'close' follows, and says enough.
    })
    this.#listen()
    backend.onOutput = this.#toClient
    backend.onSpace = () => this.#client.resume()
    if (tls !== undefined) backend.onSecure = early => this.#secure(socket => tls.open(socket), early)
    if (connectTls !== undefined)
      backend.onConnectTls = settings =>
        this.#secure(socket =>
          connectTls(socket, settings, reason => {
            backend.failure = reason
          }),
        )
    if (statements !== undefined) backend.onMove = () => this.#move()
    backend.onShutdown = this.#toClient
    backend.onClose = () => this.finish()
    client.resume()
    this.#toClient()
  }

  /** The same for a socket that another thread has passed. */
  static ofHandle(handle: Handle, backend: ClientSocket, options: ConnectionOptions): Connection {
    const read = (length: number, bytes: Uint8Array) => connection.#toBackend(bytes.subarray(0, length))
    const onread = { buffer: new Uint8Array(RING_SIZE), callback: read }
    const client = socketOf(handle, { allowHalfOpen: true, onread })
    const connection = new Connection(client, backend, options)
    if (options.onClosed !== undefined) client.once('close', options.onClosed)
    return connection
  }

  /** Sends the client what the backend has written up to now, and ends the connection. To be called when the backend has ended. */
  finish(): void {
    if (this.#released || this.#moved) return
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

  /** Whether the client's socket has taken all output that the backend has written. */
  get sent(): boolean {
    return this.#client.writableLength === 0 && !this.#backend.hasOutput
  }

  #unlisten(): void {
    this.#client.off('data', this.#toBackend)
    this.#client.off('end', this.#atEnd)
    this.#client.off('drain', this.#toClient)
    this.#client.off('close', this.#atClose)
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
   * @param open does the handshake
   * @param early bytes that the backend has read and that belong to the handshake; they are put back into the socket
   */
  async #secure<Session>(
    open: (socket: Socket) => Promise<{ socket: Socket; session: Session }>,
    early: Uint8Array = new Uint8Array(),
  ): Promise<Session> {
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
    const { socket, session } = await open(client)
    client.off('close', this.#atClose)
    this.#client = socket
    if (this.#released) {
      socket.destroy()
      throw new Error('the backend is gone')
    }
    this.#counter?.restart()
    this.#listen()
    socket.resume()
    return session
  }

  /** Passes what the client's socket has read to the backend. Returns whether the socket is to go on reading. */
  readonly #toBackend = (bytes: Uint8Array): boolean => {
    this.#counter?.add(bytes)
    const room = this.#backend.setInput(bytes)
    if (!room) this.#client.pause()
    return room
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
    const { fd } = handleOf(client) ?? {}
    if (fd === undefined || fd < 0) return
    const destroy = client._destroy
    client._destroy = (error, done) => {
      if (!this.#released && !this.#moved) this.#backend.reset()
      destroy.call(client, error, done)
    }
    this.#backend.lend(fd)
  }

  /** Gives the client's socket away, if all that was read or written has got where it belongs. */
  #move(): MovingSocket | undefined {
    const client = this.#client
    const handle = handleOf(client)
    const { tls, statements } = this.#options
    if (tls !== undefined && tls.state !== 'none') return undefined
    if (handle === undefined || client.destroyed || client.readableLength + client.writableLength > 0)
      return undefined
    if (client.readableEnded || !this.#backend.leave()) return undefined
    this.#moved = true
    client.pause()
    handle.readStop()
    this.#unlisten()
    return {
      handle,
      statements,
      passed: () => client.destroy(),
      ended: () => {
        if (!this.#released) this.#release()
      },
    }
  }

  #release(): void {
    this.#released = true
    this.#backend.release()
    this.#options.onEnd(this)
  }
}
