/**
 * A database for every test. Each test runner has a module of its own: `pglite-imports-server/testing/vitest`, `/jest`, `/node`,
 * `/playwright` and `/mocha`. This module has what they are made of, for other test runners.
 *
 * @module pglite-imports-server/testing
 */
export { type Now, setNow } from './clock.js'
export { type Lease, leaser, setUpDatabases, type TestDatabase } from './databases.js'
export type { NewTemplate, TemplateOptions, TestDatabasesOptions } from './options.js'
export type { Until } from './server.js'
export { template } from './template.js'
