/**
 * Databases for the tests of Jest.
 *
 * ```ts
 * // test/database.mjs
 * export default databases({ files: 'migrations/*.sql' })
 * // jest.config.mjs
 * export default {
 *   globalSetup: './test/database.mjs',
 *   testEnvironment: 'pglite-imports-server/testing/jest-environment',
 * }
 * // a test
 * test('…', async () => { await database.client.query('…') })
 * ```
 *
 * @module pglite-imports-server/testing/jest
 */
import { setUpDatabases, type TestDatabase } from './databases.js'
import type { TestDatabasesOptions } from './options.js'

declare global {
  /** The test's own database, or that of its file, in the environment pglite-imports-server/testing/jest-environment. */
  var database: TestDatabase
}

/** For Jest's globalSetup. The server ends with Jest. */
export function databases(options: TestDatabasesOptions = {}): () => Promise<void> {
  return async () => {
    await setUpDatabases(options)
  }
}
