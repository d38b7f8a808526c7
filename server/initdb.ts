/** Runs PostgreSQL's initdb, for a new cluster that differs from the template. */
import { join } from 'node:path'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER } from '../wasm/cluster/superuser.js'
import { artefactsDir, installation } from '../wasm/node/artefacts.js'
import { posixPath } from '../wasm/node/paths.js'
import { runProgram } from '../wasm/node/run-program.js'
import { openDataDirectory } from './data-directory.js'
import { unpackTemplate } from './unpack.js'

/** The template's options: see INITDB_OPTIONS in wasm/build/template.ts. */
const DEFAULTS = [
  ...[`--username=${INITIAL_SUPERUSER}`, '--auth=trust', '--encoding=UTF8', '--locale=C', '--wal-segsize=1'],
  ...['-c', 'max_wal_size=1GB', '-c', 'min_wal_size=80MB'],
]

/** The same, unless another provider is chosen: then initdb refuses the second. */
const PROVIDER = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']

/**
 * Makes a new cluster, whole or not at all.
 *
 * @param dataDir a directory that is missing or empty
 * @param options initdb's options, without the directory; if there are none, the template is unpacked instead
 * @returns the absolute path
 * @throws StartupError when the directory is not empty, or with initdb's message when initdb fails
 */
export async function createDataDirectory(dataDir: string, options: readonly string[]): Promise<string> {
  const directory = await openDataDirectory(dataDir, async unpacking =>
    options.length === 0 ? unpackTemplate(unpacking, true) : initdb(unpacking, options),
  )
  directory.release()
  return directory.path
}

/**
 * Runs initdb on an empty directory.
 *
 * @throws StartupError with initdb's message when it fails
 */
export async function initdb(directory: string, options: readonly string[]): Promise<void> {
  let said = ''
  const provider = options.some(option => option.startsWith('--locale-provider')) ? [] : PROVIDER
  const args = [
    `${installation}/bin/initdb`,
    ...DEFAULTS,
    ...provider,
    ...options,
    '-D',
    posixPath(directory),
  ]
  const code = await runProgram(join(artefactsDir, 'programs/initdb.wasm'), args, {
    onWrite: text => {
      said += text
    },
  })
  if (code === 0) return
  const [, error = said.trim()] = /(?:^|\/)(initdb: (?!hint: ).*)$/m.exec(said) ?? []
  throw new StartupError(error)
}
