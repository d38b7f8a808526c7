/**
 * The console: a page with a SQL editor, sessions, tables and charts, and PostgreSQL's protocol by WebSocket for it. All of it lies below
 * a path with a token, which is made at the start of the server and printed with the console's URL.
 */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ListenAddress } from '../../wasm/cluster/cluster.js'
import { InProcessSocket } from '../../wasm/cluster/in-process.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import { packageFolder } from '../../wasm/node/package-folder.js'
import type { Https } from '../http/https.js'
import { peerOf } from '../network/listener.js'
import { join } from './session-socket.js'
import { comesFromHere, newToken, Visitors } from './visitors.js'

/** The path below which all of the console lies; the next part of a path is the token. */
export const CONSOLE_PATH = '/console'

/** What the page is made of, as the build writes it. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '': ['index.html', 'text/html; charset=utf-8'],
  'console.js': ['console.js', 'text/javascript; charset=utf-8'],
  'console.css': ['console.css', 'text/css; charset=utf-8'],
}

/** The page runs its own script and nothing else, and talks to this server only. `data:` are icons in the styles of the editor. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // The URL has the token in it.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

/** What the page proposes for the login. */
export interface Login {
  /** The role in the URL of the server. */
  readonly user: string
  /** The database in that URL. */
  readonly database: string
}

/** The server that the console belongs to. */
export interface Consoled {
  readonly login: Login
  /** Makes a backend's connection for a client that comes by HTTP. @throws SessionRefused */
  accept(peer: ListenAddress): ClientSocket
}

export class Console {
  readonly token = newToken()
  readonly #https: Https
  readonly #visitors: Visitors
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  readonly #streams = new Set<InProcessSocket>()
  #server: Consoled | undefined

  /**
   * @param https knows which connections of the HTTP server have TLS
   * @param host the name that the HTTP server listens on
   */
  constructor(http: Server, https: Https, host: string) {
    this.#https = https
    this.#visitors = new Visitors(CONSOLE_PATH, this.token, host)
    http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** Lets the page log in, from now on. */
  serve(server: Consoled): void {
    this.#server = server
  }

  /** Answers a request to a path of the console. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, refusal } = this.#visitors.check(request)
    if (refusal !== undefined) return this.#reply(response, 403, refusal)
    if (this.#https.offered && !this.#isSafe(request)) {
      response.writeHead(308, { ...HEADERS, location: `https://${request.headers.host}${request.url}` }).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return this.#reply(response, 405, 'use GET')
    if (path === 'login.json') {
      if (this.#server === undefined) return this.#reply(response, 503, 'the server is starting')
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' })
      response.end(JSON.stringify(this.#server.login))
      return
    }
    const [file, type] = FILES[path] ?? []
    if (file === undefined) return this.#reply(response, 404, 'not found')
    const content = await readFile(resolve(packageFolder(), 'dist', 'server', 'console', 'page', file))
    response.writeHead(200, { ...HEADERS, 'content-type': type })
    response.end(content)
  }

  /** Whether nobody else can read what the page and the server say to each other. */
  #isSafe(request: IncomingMessage): boolean {
    return this.#https.sessionOf(request.socket) !== undefined || comesFromHere(request)
  }

  /** Disconnects the pages. To be called when PostgreSQL has ended. */
  close(): void {
    for (const stream of this.#streams) stream.finish()
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#sockets.close()
  }

  #reply(response: ServerResponse, code: number, text: string): void {
    response.writeHead(code, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' })
    response.end(`${text}\n`)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { path, refusal } = this.#visitors.checkSocket(request)
    const server = this.#server
    if (refusal !== undefined) refuseUpgrade(socket, '403 Forbidden', refusal)
    else if (path !== 'session') refuseUpgrade(socket, '404 Not Found', 'not found')
    else if (this.#https.offered && !this.#isSafe(request))
      refuseUpgrade(socket, '403 Forbidden', 'use HTTPS')
    else if (server === undefined) refuseUpgrade(socket, '503 Service Unavailable', 'the server is starting')
    else
      this.#sockets.handleUpgrade(request, socket, head, client =>
        this.#connect(server, client, request.socket),
      )
  }

  #connect(server: Consoled, client: WebSocket, socket: Socket): void {
    const session = this.#https.sessionOf(socket)
    const stream = new InProcessSocket(() => {
      const backend = server.accept(peerOf(socket))
      // The bytes have been in TLS up to here.
      if (session !== undefined) backend.onSecure = () => Promise.resolve(session)
      return backend
    })
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    join(client, stream, session !== undefined)
  }
}

function refuseUpgrade(socket: Duplex, status: string, text: string): void {
  socket.on('error', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${text.length + 1}\r\n\r\n${text}\n`,
  )
}
