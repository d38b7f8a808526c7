/**
 * Databases for the tests of Mocha.
 *
 * ```ts
 * // test/database.js, for "mocha --require test/database.js"
 * export const { mochaGlobalSetup, mochaGlobalTeardown, mochaHooks } = databases({ files: 'migrations/*.sql' })
 * // a test
 * it('…', async function () { await this.database.client.query('…') })
 * ```
 *
 * @module pglite-imports-server/testing/mocha
 */
import { type Lease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'

/** What Mocha's hooks have as `this`, as far as it is needed here. */
export interface MochaContext {
  /** The test's own database, or that of all tests of the process. */
  database?: TestDatabase
  /** The test that runs, and how it has ended. */
  currentTest?: MochaTest | undefined
}

/** A test of Mocha's. */
export interface MochaTest {
  /** 'passed' or 'failed', once it has ended. */
  state?: string | undefined
}

/** A root hook plugin of Mocha's. */
export interface Databases {
  /** Starts the server. */
  mochaGlobalSetup(): Promise<void>
  /** Stops it. */
  mochaGlobalTeardown(): Promise<void>
  /** Give each test `this.database`. */
  readonly mochaHooks: MochaHooks
}

/** What is done around tests. */
export interface MochaHooks {
  /** Takes a database, unless there is one for all tests of the process. */
  beforeEach(this: MochaContext): Promise<void>
  /** Gives it back. */
  afterEach(this: MochaContext): Promise<void>
  /** Gives back the one for all tests of the process. */
  afterAll(): Promise<void>
}

/** A root hook plugin. With `per: 'file'` all tests of a process share a database. */
export function databases(options: TestDatabasesOptions = {}): Databases {
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
