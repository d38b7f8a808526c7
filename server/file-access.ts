/**
 * Which files of the machine a cluster may reach: its own, those of the installation, and what options name. See
 * wasm/node/confined-files.ts.
 *
 * Symbolic links that are in the data directory when the server starts, for example pg_wal on another disk and tablespaces,
 * are followed: SQL cannot make a link that leads out, so the owner of the directory has put them there.
 */
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Settings } from '../wasm/cluster/settings.js'
import { errorCode, StartupError } from '../wasm/cluster/startup-error.js'
import { artefactsFolder, installedAt } from '../wasm/node/artefacts.js'
import type { AllowedFile, AllowedFolder, FileAccess } from '../wasm/node/confined-files.js'
import { hostPathIn, posixPath, realPath } from '../wasm/node/paths.js'
import { includedBy } from './configuration.js'
import { systemTimeZoneFile } from './new-cluster/time-zone.js'
import { socketDirsIn } from './settings.js'
import { extensionFolders, overlaysOf } from './share-directories.js'

/** Settings that name a file to read. Options can allow a file by these settings and the next two; postgresql.conf cannot. */
const FILES_TO_READ = [
  ...['config_file', 'hba_file', 'ident_file'],
  ...['ssl_cert_file', 'ssl_key_file', 'ssl_ca_file', 'ssl_crl_file', 'ssl_dh_params_file'],
]
/** Settings that name a file to write. */
const FILES_TO_WRITE = ['external_pid_file']
/** Settings that name a folder to read and write. */
const FOLDERS = ['log_directory', 'ssl_crl_dir', 'basic_archive.archive_directory']

/** Harmless, and benchmarks of COPY use it. */
const NOWHERE = '/dev/null'

/** The time zone of this name is that of the system. */
const LOCAL_TIME = 'share/timezone/localtime'

/**
 * @param dataDir absolute, without symbolic links
 * @param settings those of the whole start; the names of unix sockets contain the port
 * @param allowed further folders, to be read and written
 * @param shared directories beside the installation's share/
 * @throws StartupError when one of those is missing or no folder
 */
export function fileAccess(
  dataDir: string,
  settings: Settings,
  allowed: readonly string[],
  shared: readonly string[],
): FileAccess {
  const named = (names: readonly string[]) =>
    names.flatMap(name => (settings[name] ? [hostPathIn(dataDir, settings[name])] : []))
  const sockets = socketDirsIn(settings)
    .filter(directory => !directory.startsWith('@'))
    .map(directory => join(resolve(dataDir, directory), `.s.PGSQL.${settings.port}`))
  const linked = linksIn(dataDir)
  const extensions = extensionFolders(settings)
    .map(path => hostPathIn(dataDir, path))
    .filter(exists)
  const included = named(['config_file']).flatMap(includedBy).filter(exists)

  return {
    folders: [
      { path: posixPath(dataDir), real: posixPath(dataDir), writable: true },
      folder(artefactsFolder(), false),
      ...allowed.map(path => folder(path, true)),
      ...named(FOLDERS)
        .filter(exists)
        .map(path => folder(path, true)),
      ...included.filter(isFolder).map(path => folder(path, false)),
      ...extensions.map(path => folder(path, false)),
      ...linked.folders,
    ],
    files: [
      { path: NOWHERE, writable: true },
      { path: `${installedAt()}/${LOCAL_TIME}`, real: posixPath(systemTimeZoneFile()), writable: false },
      ...[...named(FILES_TO_READ), ...included.filter(path => !isFolder(path))].map(path => ({
        path: posixPath(path),
        writable: false,
      })),
      ...[...named(FILES_TO_WRITE), ...sockets, ...sockets.map(path => `${path}.lock`)].map(path => ({
        path: posixPath(path),
        writable: true,
      })),
      ...extensions.flatMap(filesLinkedIn).map(path => ({ path, writable: false })),
      ...linked.files,
    ],
    overlays: overlaysOf(shared),
  }
}

function folder(path: string, writable: boolean): AllowedFolder {
  try {
    if (!statSync(path).isDirectory())
      throw new StartupError(`cannot allow access to "${path}": it is not a directory`, 'ENOTDIR')
    return { path: posixPath(path), real: posixPath(realPath(path)), writable }
  } catch (error) {
    if (error instanceof StartupError) throw error
    throw new StartupError(
      `cannot allow access to "${path}": ${errorCode(error) === 'ENOENT' ? 'no such directory' : (error as Error).message}`,
      errorCode(error),
    )
  }
}

/** The targets of symbolic links at the top of the data directory and in pg_tblspc. */
function linksIn(dataDir: string): { folders: AllowedFolder[]; files: AllowedFile[] } {
  const found = { folders: [] as AllowedFolder[], files: [] as AllowedFile[] }
  for (const place of [dataDir, join(dataDir, 'pg_tblspc')]) {
    for (const entry of exists(place) ? readdirSync(place, { withFileTypes: true }) : []) {
      const path = join(place, entry.name)
      if (!entry.isSymbolicLink() || !exists(path)) continue
      if (statSync(path).isDirectory()) found.folders.push(folder(realPath(path), true))
      else found.files.push({ path: posixPath(path), writable: true })
    }
  }
  return found
}

/** Files that links in a folder lead to, by the names of the links. */
function filesLinkedIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isSymbolicLink())
    .map(({ name }) => posixPath(join(folder, name)))
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory()
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
