/**
 * Databases for the tests of node:test.
 *
 * ```ts
 * // test/database.js
 * export const { database } = databases({ files: 'migrations/*.sql' })
 * // a test
 * test('…', async t => { const { client } = await database(t) })
 * ```
 *
 * @module pglite-imports-server/testing/node
 */

import { after } from 'node:test'
import { type Lease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'
import { setUpWithSiblings } from './shared.js'

/** What node:test gives to a test, as far as it is needed here. */
export interface RunningTest {
  /** Has a function run when the test has ended. */
  after(end: () => Promise<void>): void
  /** Whether it has succeeded so far; Node 20 does not tell. */
  readonly passed?: boolean
}

/** What databases() gives. */
export interface Databases {
  /** The test's own database, or that of its file; it is given back when the test or the file has ended. */
  database(t: RunningTest): Promise<TestDatabase>
}

/** The first file that wants a database starts the server; all files of a run of "node --test" share it. */
export function databases(options: TestDatabasesOptions = {}): Databases {
  const isOneOfSeveral = process.env.NODE_TEST_CONTEXT !== undefined
  const lease = leaser(() => (isOneOfSeveral ? setUpWithSiblings(options) : setUpDatabases(options)))
  let ofFile: Promise<Lease> | undefined
  if (options.per === 'file') after(async () => (await ofFile)?.end(false))
  return {
    async database(t: RunningTest): Promise<TestDatabase> {
      if (options.per === 'file') {
        ofFile ??= lease()
        return (await ofFile).database
      }
      const { database, end } = await lease()
      t.after(() => end(t.passed === false))
      return database
    },
  }
}
