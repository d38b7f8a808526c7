/**
 * Databases for the tests of Mocha.
 *
 * ```ts
 * // test/database.js, for "mocha --require test/database.js"
 * export const { mochaGlobalSetup, mochaGlobalTeardown, mochaHooks } = databases({ files: 'migrations/*.sql' })
 * // a test
 * it('…', async function () { await this.database.client.query('…') })
 * ```
 */
import { type Lease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'

/** What Mocha's hooks have as `this`, as far as it is needed here. */
export interface MochaContext {
  database?: TestDatabase
  currentTest?: { state?: string | undefined } | undefined
}

/** A root hook plugin. With `per: 'file'` all tests of a process share a database. */
export function databases(options: TestDatabasesOptions = {}) {
  const lease = leaser(() => setUpDatabases(options))
  let current: Lease | undefined
  let failed = false
  let tearDown: (() => Promise<void>) | undefined
  const end = async () => {
    await current?.end(failed)
    current = undefined
    failed = false
  }
  return {
    async mochaGlobalSetup(): Promise<void> {
      tearDown = await setUpDatabases(options)
    },
    async mochaGlobalTeardown(): Promise<void> {
      await tearDown?.()
    },
    mochaHooks: {
      async beforeEach(this: MochaContext): Promise<void> {
        current ??= await lease()
        this.database = current.database
      },
      async afterEach(this: MochaContext): Promise<void> {
        failed ||= this.currentTest?.state === 'failed'
        if (options.per !== 'file') await end()
      },
      afterAll: end,
    },
  }
}
