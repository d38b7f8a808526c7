/**
 * Databases for the tests of Playwright.
 *
 * ```ts
 * // test/database.ts
 * const { setup, test } = databases({ files: 'migrations/*.sql' })
 * export { setup as default, test }
 * // playwright.config.ts
 * globalSetup: './test/database.ts'
 * ```
 */
import { test as base } from '@playwright/test'
import { type Lease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'

export interface TestFixtures {
  /** The test's own database, or that of its worker. */
  database: TestDatabase
}

export interface WorkerFixtures {
  /** That of the worker. */
  databaseOfWorker: { current?: Lease; failed: boolean }
}

/** `setup` is for Playwright's globalSetup, `test` in the place of Playwright's own. */
export function databases(options: TestDatabasesOptions = {}) {
  const lease = leaser(() => setUpDatabases(options))
  const test = base.extend<TestFixtures, WorkerFixtures>({
    databaseOfWorker: [
      // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from it which fixtures this one needs
      async ({}, use) => {
        const held: WorkerFixtures['databaseOfWorker'] = { failed: false }
        await use(held)
        await held.current?.end(held.failed)
      },
      { scope: 'worker' },
    ],
    database: async ({ databaseOfWorker: held }, use, info) => {
      const perFile = options.per === 'file'
      const current = (perFile && held.current) || (await lease())
      if (perFile) held.current = current
      await use(current.database)
      const failed = info.status !== info.expectedStatus
      held.failed ||= failed
      if (!perFile) await current.end(failed)
    },
  })
  return { setup: () => setUpDatabases(options), test }
}
