/**
 * Queries by HTTP, as `neon()` sends them (wasm/queries/neon.ts). pg_hba.conf treats each as a TCP connection from the address of the
 * HTTP client.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ListenAddress } from '../../wasm/cluster/cluster.js'
import { InProcessSocket } from '../../wasm/cluster/in-process.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import { FailureLimit } from '../../wasm/queries/failure-limit.js'
import { answerSql } from '../../wasm/queries/neon.js'
import { Pool } from '../../wasm/queries/pool.js'
import { type Line, Session } from '../../wasm/queries/session.js'
import { peerOf } from '../network/listener.js'

/** Times in milliseconds. A change of a password or of pg_hba.conf takes effect within a minute. */
const POOL = { most: 20, idle: 10_000, age: 60_000 }

/** Bytes of one answer. */
const LARGEST_ANSWER = 64 << 20

export class SqlByHttp {
  readonly #accept: (peer: ListenAddress) => ClientSocket
  readonly #cors: readonly string[]
  readonly #pool = new Pool(POOL)
  readonly #failures = new FailureLimit()
  readonly #streams = new Set<InProcessSocket>()

  /**
   * @param accept makes the backend's connection. @throws SessionRefused
   * @param cors origins whose pages may send queries
   */
  constructor(accept: (peer: ListenAddress) => ClientSocket, cors: readonly string[]) {
    this.#accept = accept
    this.#cors = cors
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = {
      method: request.method ?? '',
      header: (name: string) => headerOf(request, name),
      text: (limit: number) => textOf(request, limit),
      address: request.socket.remoteAddress,
    }
    const peer = peerOf(request.socket)
    const { status, headers, body } = await answerSql(asked, {
      pool: this.#pool,
      failures: this.#failures,
      cors: this.#cors,
      open: identity => Session.open(this.#lineFrom(peer), identity, LARGEST_ANSWER),
    })
    response.writeHead(status, { 'cache-control': 'no-store', ...headers })
    response.end(body)
  }

  /** To be called when the server has ended. */
  close(): void {
    this.#pool.close()
    for (const stream of this.#streams) stream.finish()
  }

  #lineFrom(peer: ListenAddress): Line {
    const stream = new InProcessSocket(() => this.#accept(peer))
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    return { stream, usable: true, wake() {}, rest() {} }
  }
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name.toLowerCase()]
  return (Array.isArray(value) ? value.join(', ') : value) ?? null
}

/** Reads the whole body even if it is too long: many clients read no answer before they have sent their request. */
async function textOf(request: IncomingMessage, limit: number): Promise<string | undefined> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size <= limit) parts.push(part)
  }
  return size <= limit ? Buffer.concat(parts).toString() : undefined
}
