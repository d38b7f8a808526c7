/** What now() is in sessions of tests: the setting pglite_imports.now (c/postgres/session-clock.c). */
import type { ClientBase } from 'pg'

/**
 * A time at which the clock stands still, as a Date or in any of PostgreSQL's spellings, or an interval with a sign, such as '+30 days', by which
 * it is ahead or behind. Undefined stands for the system's time.
 */
export type Now = Date | string | undefined

/**
 * Sets what now() and all functions of its kind return in one session, until the session ends or the transaction is rolled back.
 *
 * @returns the setting as PostgreSQL has it: the timestamp in UTC, or the interval in hours
 * @throws Error in PostgreSQL's words when it cannot read `now`
 */
export async function setNow(client: ClientBase, now: Now): Promise<string> {
  // Dates of another realm, as Jest's tests have them, are no instances of this one's Date.
  const value = typeof now === 'object' ? now.toISOString() : (now ?? '')
  const { rows } = await client.query<{ value: string }>(
    "select set_config('pglite_imports.now', $1, false) as value",
    [value],
  )
  return rows[0]!.value
}

/** The same for a session, and for those that begin in its database from now on. */
export async function setNowInDatabase(client: ClientBase, database: string, now: Now): Promise<void> {
  const value = await setNow(client, now)
  const name = client.escapeIdentifier(database)
  const action = value === '' ? 'reset pglite_imports.now' : `set pglite_imports.now = '${value}'`
  await client.query(`alter database ${name} ${action}`)
}
