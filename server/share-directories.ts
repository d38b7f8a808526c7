/**
 * Directories of one's own beside the installation's share/: dictionaries, sets of time zone abbreviations, and extensions that consist of
 * SQL.
 */
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Settings } from '../wasm/cluster/settings.js'
import { errorCode, StartupError } from '../wasm/cluster/startup-error.js'
import { installedAt } from '../wasm/node/artefacts.js'
import type { Overlay } from '../wasm/node/confined-files.js'
import { posixPath } from '../wasm/node/paths.js'

/** What PostgreSQL looks for in its own share/ only: an overlay adds files to these. */
const OVERLAID = ['tsearch_data', 'timezonesets']
/** It has a path for these. */
const EXTENSIONS = 'extension'
const FOLDERS = [...OVERLAID, EXTENSIONS]

/** @throws StartupError when one of the directories cannot be read, or has nothing of what it is for */
export function overlaysOf(directories: readonly string[]): Overlay[] {
  return directories.flatMap(directory => {
    const present = foldersIn(directory)
    return OVERLAID.filter(name => present.includes(name)).map(name => ({
      folder: `${installedAt()}/share/${name}`,
      by: posixPath(join(directory, name)),
    }))
  })
}

/** The setting by which PostgreSQL finds extensions: these directories come first. */
export function extensionPath(directories: readonly string[], settings: Settings): Settings {
  const own = directories.filter(directory => foldersIn(directory).includes(EXTENSIONS)).map(pathOf)
  if (own.length === 0) return {}
  return { extension_control_path: [...own, settings.extension_control_path || '$system'].join(':') }
}

/** The folders in which the setting has PostgreSQL look for extensions, beside the installation's. */
export function extensionFolders({ extension_control_path = '' }: Settings): string[] {
  return extension_control_path
    .split(':')
    .filter(path => path !== '' && path !== '$system')
    .map(path => `${path}/${EXTENSIONS}`)
}

/** As PostgreSQL sees it, in a list that colons separate. */
function pathOf(directory: string): string {
  const path = posixPath(resolve(directory))
  if (path.includes(':'))
    throw new StartupError(`"${directory}" cannot have extensions: its path must not have a colon`)
  return path
}

function foldersIn(directory: string): string[] {
  const present = FOLDERS.filter(name => isFolder(directory, name))
  if (present.length > 0) return present
  throw new StartupError(
    `the share directory "${directory}" has none of the folders ${FOLDERS.join(', ')}`,
    'ENOENT',
  )
}

/** Whether the directory has that folder, and it can be read. */
function isFolder(directory: string, name: string): boolean {
  const path = join(directory, name)
  try {
    readdirSync(directory)
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return false
    readdirSync(path)
    return true
  } catch (error) {
    const code = errorCode(error)
    const why = { ENOENT: 'no such directory', ENOTDIR: 'it is not a directory' }[code ?? '']
    throw new StartupError(
      `cannot read the share directory "${directory}": ${why ?? (error as Error).message}`,
      code,
    )
  }
}
