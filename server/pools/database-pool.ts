/** A pool of databases, for the program that has started the server. */
import type { QueryResultRow } from 'pg'
import type { DatabasePools } from './database-pools.js'

/** The options of `server.databases()`. */
export interface DatabasePoolOptions {
  /** The database to clone. No client may be connected to it while it is cloned. */
  template: string
  /** How many clones are kept ready. Default 8. */
  size?: number | undefined
}

/** Clones of a database, kept ready. */
export interface DatabasePool {
  /**
   * Takes a database that no other caller has; waits until there is one.
   *
   * @throws Error in PostgreSQL's words if the template cannot be cloned
   */
  take(): Promise<TakenDatabase>
  /** Drops the clones that are ready. Those that callers have taken stay. */
  close(): Promise<void>
  /** close(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A clone for the caller alone. */
export interface TakenDatabase {
  /** The database's name. */
  readonly name: string
  /** Connection string for clients on this machine. */
  readonly url: string
  /** Gives the database back. The server ends the sessions in it and drops it, after this has resolved. */
  giveBack(): Promise<void>
  /** giveBack(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a pool in a server that serves pools.
 *
 * @param urlOf the connection string for a database
 */
export async function openPool(
  pools: DatabasePools,
  { template, size = 8 }: DatabasePoolOptions,
  urlOf: (database: string) => string,
): Promise<DatabasePool> {
  const session = await pools.session('postgres')
  let last: Promise<unknown> = Promise.resolve()
  /** One after the other, in the order in which they are asked for. */
  const query = <Row extends QueryResultRow>(text: string, ...values: unknown[]) => {
    const result = last.then(() => session.query<Row>({ name: text, text, values }))
    last = result.catch(() => {})
    return result
  }
  await query('select pglite_imports.open_pool($1, $2)', template, size)
  const pool: DatabasePool = {
    async take() {
      const { rows } = await query<{ name: string }>(
        'select pglite_imports.take_database($1) as name',
        template,
      )
      const { name } = rows[0]!
      const taken: TakenDatabase = {
        name,
        url: urlOf(name),
        async giveBack() {
          await query('select pglite_imports.give_database($1)', name)
        },
        [Symbol.asyncDispose]() {
          return taken.giveBack()
        },
      }
      return taken
    },
    async close() {
      await query('select pglite_imports.close_pool($1)', template)
      await session.end()
    },
    [Symbol.asyncDispose]() {
      return pool.close()
    },
  }
  return pool
}
