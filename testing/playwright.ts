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
 *
 * @module pglite-imports-server/testing/playwright
 */

import { test as base } from '@playwright/test'
import { type HeldLease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'

export type { HeldLease } from './databases.js'

/** What `test` gives to tests beside what Playwright's own does. */
export interface TestFixtures {
  /** The test's own database, or that of its worker. */
  database: TestDatabase
}

/** What `test` keeps for a worker. */
export interface WorkerFixtures {
  /** That of the worker. */
  databaseOfWorker: HeldLease
}

/** What databases() gives. */
export interface Databases {
  /** For Playwright's globalSetup: starts the server; returns what stops it. */
  readonly setup: () => Promise<() => Promise<void>>
  /** In the place of Playwright's own. */
  readonly test: ReturnType<typeof testOf>
}

/** Makes `setup`, for Playwright's globalSetup, and `test`, which tests use in the place of Playwright's own. */
export function databases(options: TestDatabasesOptions = {}): Databases {
  return { setup: () => setUpDatabases(options), test: testOf(options) }
}

function testOf(options: TestDatabasesOptions) {
  const lease = leaser(() => setUpDatabases(options))
  return base.extend<TestFixtures, WorkerFixtures>({
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
}
