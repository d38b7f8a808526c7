/** Makes a new cluster as the options say: its files, and its contents before clients are let in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../wasm/cluster/cluster.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER, setPassword } from '../../wasm/cluster/superuser.js'
import type { DataDirectory } from '../data-directory/data-directory.js'
import type { StartServerOptions } from '../options.js'
import { initdb } from './initdb.js'
import { unpackTemplate } from './template.js'
import { finishInitialising, INITIALISING } from './whole-or-nothing.js'

/** The options that matter for a new cluster. */
export interface Given {
  readonly superuser: string
  readonly database: string
  /** As filesToRun() returns them. */
  readonly files: readonly string[]
  readonly options: StartServerOptions
}

/** Databases that every new cluster has. */
const DATABASES = ['postgres', 'template1']

/** Returns what makes the files if the template is not enough; no session could rename the template's superuser, as whom it logs in. */
export function fillOf(given: Given): ((directory: string) => Promise<void>) | undefined {
  const { superuser, options } = given
  const { initdbOptions = [], password, dataDir } = options
  const username = superuser === INITIAL_SUPERUSER ? [] : [`--username=${superuser}`]
  const args = [...username, ...initdbOptions]
  if (args.length === 0 && !isToBeInitialised(given)) return undefined
  return async directory => {
    if (args.length === 0) unpackTemplate(directory, dataDir === undefined)
    else if (password === undefined) await initdb(directory, args)
    else await withPasswordFile(password, file => initdb(directory, [...args, `--pwfile=${file}`]))
    if (isToBeInitialised(given)) writeFileSync(join(directory, INITIALISING), '', { mode: 0o600 })
  }
}

function isToBeInitialised({ database, files, options }: Given): boolean {
  return options.password !== undefined || files.length > 0 || !DATABASES.includes(database)
}

async function withPasswordFile(password: string, use: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'password-'))
  try {
    const file = join(folder, 'password')
    writeFileSync(file, `${password}\n`, { mode: 0o600 })
    await use(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @throws StartupError that names the step that failed */
export async function initialiseCluster(
  cluster: Cluster,
  directory: DataDirectory,
  given: Given,
  log: (line: string) => void,
): Promise<void> {
  if (!isToBeInitialised(given)) return
  const { superuser, database, files, options } = given
  const { password, initdbOptions = [] } = options
  // initdb has set the password, and its options may say that local connections need it.
  const byInitdb = superuser !== INITIAL_SUPERUSER || initdbOptions.length > 0
  if (password !== undefined && !byInitdb) await setFirstPassword(cluster, superuser, password)
  const create = !DATABASES.includes(database)
  if (create || files.length > 0) {
    const { initialise } = await import('./contents.js')
    await initialise({ cluster, superuser, password, database, create, files, log })
  }
  if (!directory.ephemeral) finishInitialising(directory.path)
}

async function setFirstPassword(cluster: Cluster, superuser: string, password: string): Promise<void> {
  try {
    await setPassword(cluster, superuser, password, () => Promise.resolve(true))
  } catch (error) {
    throw new StartupError(`cannot set the superuser's password: ${(error as Error).message}`)
  }
}
