/** Runs PostgreSQL's initdb, for a new cluster that differs from the template. */
import { join } from 'node:path'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER } from '../../wasm/cluster/superuser.js'
import { artefactsFolder, installedAt } from '../../wasm/node/artefacts.js'
import { posixPath } from '../../wasm/node/paths.js'
import { runProgram } from '../../wasm/node/run-program.js'
import { openDataDirectory } from '../data-directory/data-directory.js'
import { DEFAULT_ENVIRONMENT, localeDefaults, localeEnvironment } from './initdb-locale.js'
import { unpackTemplate } from './template.js'
import { timeZone } from './time-zone.js'

/** The template's options: see INITDB_OPTIONS in wasm/build/template.ts. */
const DEFAULTS = [
  ...[`--username=${INITIAL_SUPERUSER}`, '--auth=trust', '--wal-segsize=1'],
  ...['-c', 'max_wal_size=1GB', '-c', 'min_wal_size=80MB'],
]

/**
 * Makes a new cluster, whole or not at all.
 *
 * @param dataDir a directory that is missing or empty
 * @param options initdb's options, without the directory; if there are none, and the environment names no locale, the
 * template is unpacked instead
 * @returns the absolute path
 * @throws StartupError when the directory is not empty, or with initdb's message when initdb fails
 */
export async function createDataDirectory(dataDir: string, options: readonly string[]): Promise<string> {
  const environment = localeEnvironment(process.env)
  const asTemplate = options.length === 0 && Object.keys(environment).length === 0
  const directory = await openDataDirectory(dataDir, async unpacking =>
    asTemplate ? unpackTemplate(unpacking, false) : initdb(unpacking, options, environment),
  )
  directory.release()
  return directory.path
}

/**
 * Runs initdb on an empty directory.
 *
 * @param locale LC_ALL and its like, for the categories that no option names
 * @throws StartupError with initdb's message when it fails
 */
export async function initdb(
  directory: string,
  options: readonly string[],
  locale: Readonly<Record<string, string>> = {},
): Promise<void> {
  let said = ''
  const args = [
    ...[`${installedAt()}/bin/initdb`, ...DEFAULTS, ...localeDefaults(options, locale), ...options],
    ...['-D', posixPath(directory)],
  ]
  const code = await runProgram(join(artefactsFolder(), 'programs/initdb.wasm'), args, {
    environment: { ...DEFAULT_ENVIRONMENT, ...locale, TZ: timeZone(process.env) },
    onWrite: text => {
      said += text
    },
  })
  if (code === 0) return
  const [, error = said.trim()] = /(?:^|\/)(initdb: (?!hint: ).*)$/m.exec(said) ?? []
  throw new StartupError(error)
}
