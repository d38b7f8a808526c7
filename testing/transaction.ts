/**
 * A client within one transaction that is rolled back in the end. When the test begins, commits or rolls back a transaction, the client
 * does that with a savepoint. If a statement outside of these fails, the client undoes only this statement, as PostgreSQL would without
 * the transaction around it.
 */
import type { Client } from 'pg'

type Query = (...args: unknown[]) => Promise<unknown>
type Callback = (error: Error | null, result?: unknown) => void

const BEGIN = /^\s*(begin|start\s+transaction)\b[^;]*;?\s*$/i
const COMMIT = /^\s*(commit|end)(\s+(work|transaction))?\s*;?\s*$/i
const ROLLBACK = /^\s*(rollback|abort)(\s+(work|transaction))?\s*;?\s*$/i

const OWN = 'pglite_imports_own'
const STATEMENT = 'pglite_imports_statement'

/** Begins the transaction. Returns a function that ends it and makes the client an ordinary one again. */
export async function beginTransaction(
  client: Client,
): Promise<(end: 'rollback' | 'commit') => Promise<void>> {
  const query = client.query.bind(client) as Query
  let own = false
  let last: Promise<unknown> = Promise.resolve()

  async function run(args: unknown[]): Promise<unknown> {
    const text = textOf(args[0])
    if (BEGIN.test(text)) {
      // PostgreSQL only warns here, too.
      if (own) return query(`savepoint ${STATEMENT}; release savepoint ${STATEMENT}`)
      own = true
      return query(`savepoint ${OWN}`)
    }
    const [commits, rollsBack] = [COMMIT.test(text), ROLLBACK.test(text)]
    if (!own && !commits && !rollsBack) return byItself(args)
    if (own && !commits && !rollsBack) return query(...args)
    if (!own) return query('select where false')
    own = false
    return rollsBack ? query(UNDO_OWN) : committed()
  }

  /** If a statement has failed, a commit rolls back, as in PostgreSQL. */
  async function committed(): Promise<unknown> {
    try {
      return await query(`release savepoint ${OWN}`)
    } catch {
      return query(UNDO_OWN)
    }
  }

  async function byItself(args: unknown[]): Promise<unknown> {
    await query(`savepoint ${STATEMENT}`)
    try {
      const result = await query(...args)
      await query(`release savepoint ${STATEMENT}`)
      return result
    } catch (error) {
      await query(`rollback to savepoint ${STATEMENT}; release savepoint ${STATEMENT}`)
      throw error
    }
  }

  await query('begin')
  client.query = ((...args: unknown[]) => {
    // Cursors and streams tell of their end by themselves.
    if (isSubmittable(args[0])) return (query as (...args: unknown[]) => unknown)(...args)
    const { callback, rest } = withoutCallback(args)
    const result = last.then(() => run(rest))
    last = result.catch(() => {})
    if (callback === undefined) return result
    result.then(value => callback(null, value), callback)
    return undefined
  }) as typeof client.query
  return async end => {
    await last
    client.query = query as typeof client.query
    await client.query(end)
  }
}

const UNDO_OWN = `rollback to savepoint ${OWN}; release savepoint ${OWN}`

function textOf(config: unknown): string {
  if (typeof config === 'string') return config
  return (config as { text?: string } | undefined)?.text ?? ''
}

function isSubmittable(config: unknown): boolean {
  return typeof (config as { submit?: unknown } | undefined)?.submit === 'function'
}

/** node-postgres takes a callback as the last argument, or in the configuration. */
function withoutCallback(args: unknown[]): { callback?: Callback; rest: unknown[] } {
  const last = args.at(-1)
  if (typeof last === 'function') return { callback: last as Callback, rest: args.slice(0, -1) }
  const { callback, ...config } = (typeof args[0] === 'object' ? args[0] : {}) as { callback?: Callback }
  return callback === undefined ? { rest: args } : { callback, rest: [config, ...args.slice(1)] }
}
