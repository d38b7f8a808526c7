/** PostgreSQL's initdb, for a cluster that is to differ from the one that the build has made. */
import { join } from 'node:path'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER } from '../wasm/cluster/superuser.js'
import { artefactsDir } from '../wasm/node/artefacts.js'
import { runProgram } from '../wasm/node/run-program.js'
import { openDataDirectory } from './data-directory.js'
import { unpackTemplate } from './unpack.js'

/** What a new cluster has unless told otherwise: as the template, see INITDB_OPTIONS in wasm/build/template.ts. */
const DEFAULTS = [
  ...[`--username=${INITIAL_SUPERUSER}`, '--auth=trust', '--encoding=UTF8', '--locale=C', '--wal-segsize=1'],
  ...['-c', 'max_wal_size=1GB', '-c', 'min_wal_size=80MB'],
]

/** Also a default, but initdb refuses the second where another provider is chosen. */
const PROVIDER = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']

/**
 * Makes a new cluster, whole or not at all.
 *
 * @param dataDir missing, or empty
 * @param options initdb's, beside the directory; with none, the cluster is unpacked instead
 * @throws StartupError when there is something, or initdb fails: then with what it has said
 */
export async function createDataDirectory(dataDir: string, options: readonly string[]): Promise<string> {
  const directory = await openDataDirectory(dataDir, async unpacking =>
    options.length === 0 ? unpackTemplate(unpacking, true) : initdb(unpacking, options),
  )
  directory.release()
  return directory.path
}

/** Runs initdb on an empty directory. @throws StartupError with what it has said when it fails */
export async function initdb(directory: string, options: readonly string[]): Promise<void> {
  let said = ''
  const provider = options.some(option => option.startsWith('--locale-provider')) ? [] : PROVIDER
  const args = [join(artefactsDir, 'bin/initdb'), ...DEFAULTS, ...provider, ...options, '-D', directory]
  const code = await runProgram(join(artefactsDir, 'programs/initdb.wasm'), args, {
    onWrite: text => {
      said += text
    },
  })
  if (code === 0) return
  const [, error = said.trim()] = /(?:^|\/)(initdb: (?!hint: ).*)$/m.exec(said) ?? []
  throw new StartupError(error)
}
