/**
 * The HTTP server. /health says whether the server runs, /ready whether it serves clients, /metrics has metrics for Prometheus: these
 * are the monitor. /sql executes queries, and below /console is a page for people, if it is asked for. The HTTP server listens from before PostgreSQL starts until PostgreSQL has ended, and the
 * monitor also answers when PostgreSQL does not.
 */
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ListenAddress } from '../../wasm/cluster/cluster.js'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import { METRICS_TYPE, metricsText, type ServerStatus } from '../../wasm/metrics/metrics.js'
import type { Answer } from '../../wasm/metrics/statistics.js'
import type { Console, Login } from '../console/console.js'
import { hostInUrl, isLocal, reachableHost } from '../network/listen-addresses.js'
import type { Tls } from '../network/tls.js'
import { Https } from './https.js'
import { processMetricsText } from './process-metrics.js'
import { SqlByHttp } from './sql.js'
import { statisticsOf } from './statistics.js'

/** Where the monitor listens, and whom it answers. */
export interface HttpOptions {
  /** The TCP port, 0 for any free one. */
  port: number
  /** A name or address to listen on; '*' for all addresses. Default: 'localhost'. */
  host?: string | undefined
  /** Origins whose pages may send queries to /sql, such as 'https://example.com', or '*' for all. Default: none. */
  cors?: readonly string[] | undefined
}

/** The server that the monitor watches. */
export interface Watched {
  status(): ServerStatus
  connect: Parameters<typeof statisticsOf>[0]
  readonly user: string
  /** What the console proposes for the login. */
  readonly login: Login
  /** Makes a backend's connection for a client that comes by HTTP. @throws SessionRefused */
  accept(peer: ListenAddress): ClientSocket
  /** What HTTPS takes its certificate from. */
  readonly tls: Tls
}

export class Monitor {
  readonly url: string
  readonly #console: Console | undefined
  readonly #server: Server
  readonly #https: Https
  /** Whether only this machine can connect. */
  readonly #isLocal: boolean
  #state: 'starting' | 'running' | 'ended' = 'starting'
  readonly #cors: readonly string[]
  #watched: Watched | undefined
  #sql: SqlByHttp | undefined
  #ask: () => Promise<Answer> = () => Promise.resolve({ error: 'the server is starting' })

  /**
   * @param withConsole whether there is a console
   * @throws StartupError when the port is taken or may not be used
   */
  static async listen(
    { port, host = 'localhost', cors = [] }: HttpOptions,
    withConsole = false,
  ): Promise<Monitor> {
    const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 5_000 })
    const https = new Https(server)
    try {
      server.listen({ port, host: host === '*' ? undefined : host })
      await once(server, 'listening')
    } catch (error) {
      throw new StartupError(
        `cannot serve HTTP on ${host}, port ${port}: ${errorCode(error) === 'EADDRINUSE' ? 'another program listens there; choose another port' : (error as Error).message}`,
        errorCode(error),
      )
    }
    return new Monitor(
      server,
      https,
      host,
      cors,
      withConsole ? await consoleOf(server, https, host) : undefined,
    )
  }

  private constructor(
    server: Server,
    https: Https,
    host: string,
    cors: readonly string[],
    page: Console | undefined,
  ) {
    this.#server = server
    this.#https = https
    this.#console = page
    this.#cors = cors
    this.#isLocal = isLocal(host)
    this.url = `http://${hostInUrl(reachableHost(host))}:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      const path = new URL(request.url ?? '/', 'http://monitor').pathname
      if (path === '/sql') {
        if (this.#sql === undefined) reply(response, 503, 'the server is starting\n')
        else void this.#sql.answer(request, response).catch(() => response.destroy())
        return
      }
      if (this.#console !== undefined && /^\/console(\/|$)/.test(path)) {
        void this.#console.answer(request, response).catch(() => response.destroy())
        return
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        reply(response, 405, 'use GET\n')
        return
      }
      void this.#answer(path, response)
    })
    // PostgreSQL keeps the process running, not the monitor.
    server.unref()
  }

  /** URL of the console, with its token, if there is one. For other machines it begins with https, if the server has a certificate. */
  get consoleUrl(): string | undefined {
    if (this.#console === undefined) return undefined
    const url = `${this.url}/console/${this.#console.token}/`
    return this.#https.offered && !this.#isLocal ? url.replace(/^http:/, 'https:') : url
  }

  watch(watched: Watched): void {
    this.#state = 'running'
    this.#watched = watched
    this.#ask = statisticsOf(watched.connect, watched.user)
    this.#sql = new SqlByHttp(watched.accept, this.#cors)
    this.#https.use(watched.tls)
    this.#console?.serve(watched)
  }

  /** Stops listening. To be called when PostgreSQL has ended. */
  close(): void {
    this.#state = 'ended'
    this.#sql?.close()
    this.#console?.close()
    this.#server.close()
    this.#https.close()
    this.#server.closeAllConnections()
  }

  async #answer(path: string, response: ServerResponse): Promise<void> {
    if (path === '/health') {
      const healthy = this.#state !== 'ended'
      json(response, healthy ? 200 : 503, { status: this.#state })
    } else if (path === '/ready') {
      const { error } = await this.#ask()
      if (error === undefined) json(response, 200, { status: 'ready' })
      else json(response, 503, { status: 'not ready', error })
    } else if (path === '/metrics') {
      if (this.#watched === undefined) {
        reply(response, 503, 'the server is starting\n')
        return
      }
      const answer = await this.#ask()
      const text = metricsText(this.#watched.status(), answer) + (await processMetricsText())
      const remark =
        answer.error === undefined
          ? ''
          : `# no statistics from PostgreSQL: ${answer.error.replaceAll('\n', ' ')}\n`
      reply(response, 200, remark + text, METRICS_TYPE)
    } else reply(response, 404, 'not found: use /health, /ready, /metrics or /sql\n')
  }
}

/** Loads the code of the console only if it is asked for. */
async function consoleOf(server: Server, https: Https, host: string): Promise<Console> {
  const { Console } = await import('../console/console.js')
  return new Console(server, https, host)
}

function json(response: ServerResponse, code: number, body: object): void {
  reply(response, code, `${JSON.stringify(body)}\n`, 'application/json')
}

function reply(
  response: ServerResponse,
  code: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(text)
}
