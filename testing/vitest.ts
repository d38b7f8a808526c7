/**
 * Databases for the tests of Vitest.
 *
 * ```ts
 * // test/database.ts
 * export const { setup, test } = databases({ files: 'migrations/*.sql' })
 * // vitest.config.ts
 * test: { globalSetup: 'test/database.ts' }
 * ```
 *
 * @module pglite-imports-server/testing/vitest
 */
import { type HeldLease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'

export type { HeldLease } from './databases.js'

/** Undefined where Vitest runs globalSetup: there `vitest` cannot be imported, and no test runs. */
const vitest = await import('vitest').catch((error: Error) => {
  if (!error.message.includes('internal state')) throw error
})

/** What `test` gives to tests beside what Vitest's own does. */
export interface Fixtures {
  /** The test's own database, or that of its file. */
  database: TestDatabase
  /** That of the file. */
  lease: HeldLease
}

/** What databases() gives. */
export interface Databases {
  /** For Vitest's globalSetup: starts the server; returns what stops it. */
  readonly setup: () => Promise<() => Promise<void>>
  /** In the place of Vitest's own. */
  readonly test: ReturnType<typeof testOf>
}

/** Makes `setup`, for Vitest's globalSetup, and `test`, which tests use in the place of Vitest's own. */
export function databases(options: TestDatabasesOptions = {}): Databases {
  return { setup: () => setUpDatabases(options), test: testFor(options) }
}

/** No test runs in globalSetup. Until Vitest 4 it cannot be imported there; since then what it has cannot be used there. */
function testFor(options: TestDatabasesOptions): Databases['test'] {
  try {
    if (vitest !== undefined) return testOf(vitest.test, options)
  } catch (error) {
    if (!(error as Error).message.includes('failed to find the current suite')) throw error
  }
  return undefined as never
}

function testOf(base: typeof import('vitest').test, options: TestDatabasesOptions) {
  const lease = leaser(() => setUpDatabases(options))
  return base.extend<Fixtures>({
    lease: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from it which fixtures this one needs
      async ({}, use) => {
        const held: Fixtures['lease'] = { failed: false }
        await use(held)
        await held.current?.end(held.failed)
      },
      { scope: 'file' },
    ],
    database: async ({ lease: held, task }, use) => {
      const perFile = options.per === 'file'
      const current = (perFile && held.current) || (await lease())
      if (perFile) held.current = current
      await use(current.database)
      const failed = task.result?.state === 'fail'
      held.failed ||= failed
      if (!perFile) await current.end(failed)
    },
  })
}
