/**
 * Makes the template: a data directory of which every new cluster is a copy, which is faster than initdb. initdb itself makes it, run
 * by our own host.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '../node/run-program.js'
import { BuildFailure } from './failure.js'
import { cache, logFile } from './paths.js'

/** initdb's options beside `--pgdata`. They are also the defaults of the command `init` (server/new-cluster/initdb.ts). */
const INITDB_OPTIONS = [
  ...['--username=postgres', '--auth=trust', '--encoding=UTF8'],
  // Strings in the order of code points, and all characters with their types and cases. The provider is libc and not builtin, so that
  // a database has the locale that an older dump names, which does not name a provider.
  '--locale=C.UTF-8',
  // Small segments keep the template and short-lived clusters small; the limits keep checkpoints as rare as ever.
  ...['--wal-segsize=1', '-c', 'max_wal_size=1GB', '-c', 'min_wal_size=80MB'],
  // A client that can open the unix socket is trusted; only the user who runs the server can.
  ...['-c', 'unix_socket_permissions=0700'],
  '--no-sync',
]

/** What initdb has done: with it a server would vacuum catalogs soon after its first start, and read it and write it at each. */
const INITDB_STATISTICS = 'pg_stat/pgstat.stat'

/** A data directory: its path, and the names below it, directories before their contents. */
export interface Template {
  readonly folder: string
  readonly names: readonly string[]
}

/**
 * Runs initdb.
 *
 * @param module file of initdb.wasm
 * @param program path of initdb in an installation, from which it finds share/
 */
export async function makeTemplate(module: string, program: string): Promise<Template> {
  const dataDirectory = join(cache, 'cluster')
  rmSync(dataDirectory, { recursive: true, force: true })
  const written: string[] = []
  const code = await runProgram(module, [program, `--pgdata=${dataDirectory}`, ...INITDB_OPTIONS], {
    onWrite: text => written.push(text),
  })
  writeFileSync(logFile('initdb'), written.join(''))
  if (code !== 0)
    throw new BuildFailure(
      `could not make the cluster template: initdb ended with ${code}, see ${logFile('initdb')}`,
    )
  const unneeded = unneededWal(dataDirectory).add(INITDB_STATISTICS)
  const names = readdirSync(dataDirectory, { recursive: true, encoding: 'utf8' }).sort()
  return { folder: dataDirectory, names: names.filter(name => !unneeded.has(name)) }
}

/**
 * After a shutdown only the segment with the last checkpoint is needed. It has the lowest number: PostgreSQL has renamed those before
 * it to reuse them.
 */
function unneededWal(dataDirectory: string): Set<string> {
  const segments = readdirSync(join(dataDirectory, 'pg_wal')).filter(name => /^[0-9A-F]{24}$/.test(name))
  return new Set(
    segments
      .sort()
      .slice(1)
      .map(name => `pg_wal/${name}`),
  )
}
