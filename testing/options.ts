/** The options for databases of tests. */
import type { Client } from 'pg'
import type { StartServerOptions } from '../server/index.js'

/** A database that is to become a template. */
export interface NewTemplate {
  /** Connection string. */
  readonly url: string
  /** A connected client, which is ended afterwards. */
  readonly client: Client
  /** The files of `files`, as absolute paths, sorted. */
  readonly files: readonly string[]
}

/** What a template is made of. */
export interface TemplateOptions {
  /**
   * Files that the template is made of, such as migrations: paths or patterns with *, ** and ?, relative to the working directory. When
   * one of them changes, a new template is made, and the old one is dropped.
   */
  files?: string | readonly string[] | undefined
  /** Makes the template in an empty database. Default: executes `files`, which must be SQL, in the order of their names. */
  migrate?: ((database: NewTemplate) => unknown) | undefined
}

/** The databases that tests get. */
export interface TestDatabasesOptions extends TemplateOptions {
  /**
   * 'database': each test has a clone of the template. 'transaction': each test has a transaction, which is rolled back, in a clone that
   * earlier tests have used; then the test has to use `client`. 'branch': each test has a server of its own, a branch of the one with the
   * template, and may change roles, settings and other databases as well. Default: 'database'.
   */
  isolation?: 'database' | 'transaction' | 'branch' | undefined
  /** Whether each test has its own database, or all tests of a file (in Playwright, of a worker) share one. Default: 'test'. */
  per?: 'test' | 'file' | undefined
  /** How many clones are kept ready. Default 8; of branches, 2. */
  size?: number | undefined
  /** Keep the databases of tests that fail, print how to connect to them, and let the server run on. Default: false. */
  keepFailed?: boolean | undefined
  /** A directory where templates are kept between runs. Default: templates are not kept. */
  cacheDir?: string | undefined
  /** PostgreSQL's settings. */
  settings?: StartServerOptions['settings']
}
