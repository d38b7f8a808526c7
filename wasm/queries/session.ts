/** One session of a pool, by node-postgres. */
import type { Duplex } from 'node:stream'
import pg, { type Client } from 'pg'
import { beginStatement, type QueryResult, type TransactionOptions } from './query.js'

/** Who a session is for. */
export interface Identity {
  readonly user: string
  readonly database: string
  readonly password?: string | undefined
  readonly applicationName?: string | undefined
}

/** What a session is connected by. */
export interface Line {
  readonly stream: Duplex
  /** The session is in use, or not. */
  wake(): void
  rest(): void
  /** Whether there is still a server at the other end that will go on. */
  readonly usable: boolean
}

/** How a result is to be given. */
export interface Shape {
  readonly rowMode?: 'array' | undefined
  /** Gives each value as PostgreSQL's text. */
  readonly raw?: boolean | undefined
}

const RAW = { getTypeParser: () => (text: string) => text }

export class Session {
  readonly born = Date.now()
  /** It has ended. */
  onEnd: () => void = () => {}
  readonly #client: Client
  readonly #line: Line
  #received = 0
  #failed = false

  /**
   * Opens a session.
   *
   * @param limit bytes that the rows of one answer may have
   * @throws Error in PostgreSQL's words
   */
  static async open(line: Line, identity: Identity, limit = Number.POSITIVE_INFINITY): Promise<Session> {
    const { user, database, password, applicationName } = identity
    const client = new pg.Client({
      stream: () => line.stream,
      user,
      database,
      // Not by itself, for then the environment's would stand in for one that is not there, or a file's.
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

  /** Whether it can be asked anything. */
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
   * Executes what `use` asks in a transaction, which is rolled back if it throws.
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
    const message = 'the transaction was rolled back, for a statement in it had failed'
    throw Object.assign(new Error(message), { code: '25P02' })
  }

  /** Makes it as if it had just begun, for the next one who uses it. */
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
  Object.assign(new Error(`the answer is larger than ${limit >> 20} MiB: ask for less, or by a connection`), {
    code: '54000',
  })
