/**
 * The second session of the page, for what it shows beside results: the catalog, other sessions, sizes. So it works while a statement of
 * the editor runs or its transaction has failed.
 */
import type { Identity } from './login.js'
import { type Result, Session } from './session.js'

/** A row by the names of its columns, with all values as text. */
export type Row = Readonly<Record<string, string | null>>

export class Observer {
  readonly #identity: Identity
  #session: Session | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(identity: Identity) {
    this.#identity = identity
  }

  /**
   * The rows of one statement, after those that have been asked for before.
   *
   * @throws ServerError in PostgreSQL's words
   */
  rows(sql: string): Promise<Row[]> {
    const answer = this.#queue.then(async () => rowsOf(await (await this.#open()).run(sql)))
    this.#queue = answer.catch(() => {})
    return answer
  }

  close(): void {
    this.#session?.close()
  }

  async #open(): Promise<Session> {
    if (this.#session === undefined || this.#session.ended) {
      this.#session = await Session.open(this.#identity)
      // Keeps the page's own questions out of the log.
      await this.#session.run("set log_statement = 'none'").catch(() => {})
      await this.#session.run("set statement_timeout = '15s'")
      // So that no lock of another session makes all that the page shows wait.
      await this.#session.run("set lock_timeout = '1s'")
    }
    return this.#session
  }
}

function rowsOf({ fields = [], rows }: Result): Row[] {
  return Array.from({ length: rows.length }, (_, index) => {
    const values = rows.at(index)
    return Object.fromEntries(fields.map(({ name }, column) => [name, values[column] ?? null]))
  })
}
