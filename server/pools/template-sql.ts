/** `--template-sql`: makes a database of SQL files and keeps clones of it ready, for tests in languages that only know SQL. */
import type { Cluster } from '../../wasm/cluster/cluster.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { initialise } from '../new-cluster/contents.js'
import { filesToRun } from '../new-cluster/init-files.js'
import type { DatabasePools } from './database-pools.js'

/** The options of `server.servePools()`. */
export interface PoolsOptions {
  /**
   * Files and directories of files, as those of `init`, that make a database `template`, of which clones are kept ready. What an earlier
   * server made of such files is replaced.
   */
  templateSql?: string | readonly string[] | undefined
}

/** The name of the database. */
const TEMPLATE = 'template'

/** The comment on the database, by which the next start knows that it may drop it. */
const COMMENT = 'made by --template-sql of pglite-imports-server'

const EXISTING = `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = '${TEMPLATE}'`

/** What is needed of the server. */
export interface TemplateServer {
  readonly cluster: Cluster
  readonly superuser: string
  /** Is called with each line that the files print. */
  readonly log: (line: string) => void
}

/**
 * Makes the database anew, and opens a pool of its clones.
 *
 * @param paths files and directories, as those of `--init`
 * @throws StartupError that names the file, and the line where that is known, of the first error; or when the cluster has a database of that
 * name that was made otherwise
 */
export async function serveTemplate(
  pools: DatabasePools,
  server: TemplateServer,
  paths: string | readonly string[],
): Promise<void> {
  const files = filesToRun(paths)
  const session = await pools.session('postgres')
  try {
    const [existing] = (await session.query<{ comment: string | null }>(EXISTING)).rows
    if (existing !== undefined && existing.comment !== COMMENT)
      throw new StartupError(
        `--template-sql makes a database "${TEMPLATE}", and the cluster has another of that name: rename or drop that`,
      )
    await session.query(`drop database if exists ${TEMPLATE} with (force)`)
    const password = process.env.PGPASSWORD
    await initialise({ ...server, password, database: TEMPLATE, create: true, files })
    await session.query(`comment on database ${TEMPLATE} is '${COMMENT}'`)
    await session.query('select pglite_imports.open_pool($1)', [TEMPLATE])
  } finally {
    await session.end()
  }
}
