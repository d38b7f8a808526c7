/** One session of a pool, by node-postgres. */
import type { Duplex } from 'node:stream'
import pg, { type Client } from 'pg'
import { beginStatement, type QueryResult, type TransactionOptions } from './query.js'

/** The role, its password, and the database of a session. */
export interface Identity {
  readonly user: string
  readonly database: string
  readonly password?: string | undefined
  readonly applicationName?: string | undefined
}

/** The connection of a session. */
export interface Line {
  readonly stream: Duplex
  /** wake() is called when a request begins to use the session, rest() when it has ended. */
  wake(): void
  rest(): void
  /** Whether the server at the other end runs and is not shutting down. */
  readonly usable: boolean
}

/** The form of a result. */
export interface Shape {
  readonly rowMode?: 'array' | undefined
  /** Whether values are PostgreSQL's texts. */
  readonly raw?: boolean | undefined
}

const RAW = { getTypeParser: () => (text: string) => text }

export class Session {
  readonly born = Date.now()
  /** Whether the session has ended. */
  onEnd: () => void = () => {}
  readonly #client: Client
  readonly #line: Line
  #received = 0
  #failed = false

  /**
   * Opens a session.
   *
   * @param limit how many bytes the rows of one result may have
   * @throws Error in PostgreSQL's words
   */
  static async open(line: Line, identity: Identity, limit = Number.POSITIVE_INFINITY): Promise<Session> {
    const { user, database, password, applicationName } = identity
    const client = new pg.Client({
      stream: () => line.stream,
      user,
      database,
      // As a function, because without a password node-postgres would take one from the environment or from ~/.pgpass.
      password: () => password ?? '',
      ssl: false,
      application_name: applicationName ?? 'pglite-imports-server',
    })
    const session = new Session(client, line, limit)
    try {
      await client.connect()
    } catch (error) {
      session.close()
      throw error
    }
    return session
  }

  private constructor(client: Client, line: Line, limit: number) {
    this.#client = client
    this.#line = line
    const failed = () => {
      this.#failed = true
      this.onEnd()
    }
    client.on('error', failed).on('end', failed)
    if (limit < Number.POSITIVE_INFINITY)
      client.connection.on('dataRow', ({ length }) => {
        this.#received += length
        if (this.#received > limit) line.stream.destroy(tooLarge(limit))
      })
  }

  /** Whether the session can take another query. */
  get usable(): boolean {
    return !this.#failed && this.#line.usable
  }

  wake(): void {
    this.#line.wake()
  }

  rest(): void {
    this.#line.rest()
  }

  async query(text: string, values?: readonly unknown[], shape: Shape = {}): Promise<QueryResult<never>> {
    this.#received = 0
    const { rowMode, raw } = shape
    const result = await this.#client.query({
      text,
      ...(values !== undefined && { values }),
      ...(rowMode !== undefined && { rowMode }),
      ...(raw && { types: RAW }),
    })
    return result as QueryResult<never>
  }

  /**
   * Calls `use` within a transaction, which is rolled back if `use` throws.
   *
   * @throws what `use` has thrown; Error with `code` 25P02 where a statement had failed, so that PostgreSQL has rolled back, too
   */
  async transaction<T>(use: () => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    await this.#client.query(beginStatement(options))
    let result: T
    try {
      result = await use()
    } catch (error) {
      if (this.usable) await this.#client.query('rollback')
      throw error
    }
    const { command } = await this.#client.query('commit')
    if (command === 'COMMIT') return result
    const message = 'the transaction was rolled back, because a statement in it had failed'
    throw Object.assign(new Error(message), { code: '25P02' })
  }

  /** Resets the session for the next request, as if it had just begun. */
  async reset(): Promise<void> {
    if (this.#client.getTransactionStatus() !== 'I') await this.#client.query('rollback')
    await this.#client.query('discard all')
  }

  close(): void {
    this.#failed = true
    // Not end(), which would wait for a server that may not answer.
    this.#line.stream.destroy()
  }
}

const tooLarge = (limit: number) =>
  Object.assign(new Error(`the answer is larger than ${limit >> 20} MiB: select less, or use a connection`), {
    code: '54000',
  })
