/** Queries without a connection: code in the object asks them by a call, clients outside by HTTP. */
import type { OnDemandServer } from '../embedded/on-demand.js'
import { INITIAL_SUPERUSER } from '../wasm/cluster/superuser.js'
import { STATISTICS_QUERY, type Statistics, statisticsFrom } from '../wasm/metrics/statistics.js'
import { FailureLimit } from '../wasm/queries/failure-limit.js'
import { answerSql, type SqlRequest } from '../wasm/queries/neon.js'
import { Pool } from '../wasm/queries/pool.js'
import type { Queryable, QueryResult, TransactionOptions } from '../wasm/queries/query.js'
import { Session } from '../wasm/queries/session.js'
import { lineTo } from './line.js'
import type { RemoteSessions } from './remote-sessions.js'
import { peerOf } from './upgrade.js'

/** The pool for calls, whose sessions may get as old as the server, and the pool for HTTP. Times in milliseconds. */
const INSIDE = { most: 3, idle: 30_000, age: Number.POSITIVE_INFINITY }
const OUTSIDE = { most: 4, idle: 10_000, age: 60_000 }

const SUPERUSER = { user: INITIAL_SUPERUSER, database: 'postgres' }

export class Queries implements Queryable {
  readonly #server: OnDemandServer
  readonly #remote: RemoteSessions
  readonly #cors: readonly string[]
  readonly #inside = new Pool(INSIDE)
  readonly #outside = new Pool(OUTSIDE)
  readonly #failures = new FailureLimit()

  /** @param cors origins whose pages may send queries by HTTP */
  constructor(server: OnDemandServer, remote: RemoteSessions, cors: readonly string[]) {
    this.#server = server
    this.#remote = remote
    this.#cors = cors
    void server.exited.then(() => {
      this.#inside.close()
      this.#outside.close()
    })
  }

  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.#use(session => session.query(text, values))
  }

  transaction<T>(use: (session: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#use(session => {
      let over = false
      const queryable: Queryable = {
        query: (text, values) =>
          over ? Promise.reject(new Error('the transaction is over')) : session.query(text, values),
      }
      return session
        .transaction(() => use(queryable), options)
        .finally(() => {
          over = true
        })
    })
  }

  /** PostgreSQL's statistics. @throws Error as query() does */
  statistics(): Promise<Statistics> {
    return this.#use(async session => {
      const results: unknown = await session.query(STATISTICS_QUERY, undefined, { raw: true })
      return statisticsFrom(results as QueryResult[])
    })
  }

  async answer(request: Request, address: string | undefined): Promise<Response> {
    const asked: SqlRequest = {
      method: request.method,
      header: name => request.headers.get(name),
      text: limit => textOf(request, limit),
      address,
    }
    const { status, headers, body } = await answerSql(asked, {
      pool: this.#outside,
      failures: this.#failures,
      cors: this.#cors,
      open: identity => this.#remote.open(identity, peerOf(address)),
    })
    return new Response(status === 204 ? null : body, { status, headers })
  }

  #use<T>(use: (session: Session) => Promise<T>): Promise<T> {
    const open = () =>
      Session.open(
        lineTo(this.#server, server => server.connect()),
        SUPERUSER,
      )
    return this.#inside.use('', open, use)
  }
}

/** The request's body; undefined if it has more than `limit` bytes. */
async function textOf(request: Request, limit: number): Promise<string | undefined> {
  const reader = request.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length
    if (size > limit) return undefined
    text += decoder.decode(next.value, { stream: true })
  }
  return text + decoder.decode()
}
