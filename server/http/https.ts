/**
 * HTTPS on the port of HTTP, with the certificate that PostgreSQL's clients see. The first byte of a connection tells which of the two it is: with
 * TLS that is the type of a handshake record. What the HTTP server then gets is a connection in any case.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { TlsSession } from '../../wasm/machine/tls-session.js'
import type { Tls } from '../network/tls.js'

/** ContentType handshake (RFC 8446, 5.1). */
const HANDSHAKE = 22

/** Milliseconds in which a client has to send its first byte, and then to do the handshake. */
const PATIENCE = 10_000

export class Https {
  readonly #sessions = new WeakMap<Socket, TlsSession>()
  /** Connections that the HTTP server has not got yet. */
  readonly #new = new Set<Socket>()
  /** Not in Bun, whose HTTP server has no sockets of Node's. */
  readonly #possible: boolean
  #tls: Tls | undefined

  /** @param http does not listen yet */
  constructor(http: Server) {
    const serve = http.listeners('connection') as ((socket: Socket) => void)[]
    this.#possible = serve.length > 0
    if (!this.#possible) return
    http.removeAllListeners('connection')
    http.on('connection', (socket: Socket) => {
      this.#new.add(socket)
      const done = () => {
        clearTimeout(timer)
        this.#new.delete(socket)
      }
      const timer = setTimeout(() => socket.destroy(), PATIENCE).unref()
      socket.once('close', done)
      const failed = () => socket.destroy()
      socket.on('error', failed)
      this.#opened(socket)
        .then(opened => {
          done()
          if (opened === socket) socket.off('error', failed)
          for (const listener of serve) listener.call(http, opened)
          opened.resume()
        })
        .catch(failed)
    })
  }

  /** Offers HTTPS from now on, whenever this has a certificate. */
  use(tls: Tls): void {
    if (this.#possible) this.#tls = tls
  }

  /** Whether there is a certificate. */
  get offered(): boolean {
    return this.#tls !== undefined && this.#tls.state !== 'none'
  }

  /** The TLS of a connection of the HTTP server; undefined if it has none. */
  sessionOf(socket: Socket): TlsSession | undefined {
    return this.#sessions.get(socket)
  }

  /** Ends the connections that the HTTP server does not know. */
  close(): void {
    for (const socket of this.#new) socket.destroy()
  }

  /** Rejects if the client sends nothing, or its handshake fails. */
  async #opened(client: Socket): Promise<Socket> {
    const first = await firstBytes(client)
    client.unshift(first)
    if (first[0] !== HANDSHAKE) return client
    if (this.#tls === undefined) throw new Error('the server is starting')
    const { socket, session } = await this.#tls.openHttp(client)
    this.#sessions.set(socket, session)
    return socket
  }
}

function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the client is gone'))
    socket.once('close', gone)
    socket.once('end', gone)
    socket.once('data', bytes => {
      socket.pause()
      socket.off('close', gone)
      socket.off('end', gone)
      resolve(bytes)
    })
  })
}
