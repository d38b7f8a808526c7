/**
 * Opens a data directory for a server. An existing cluster is checked, so that one that cannot work is refused with a message that
 * helps. A missing or empty directory gets a new cluster, whole or not at all: see new-cluster/whole-or-nothing.ts.
 *
 * A directory has one server at a time: see lock.ts.
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { foreignFormat, isControlFile } from '../../wasm/cluster/control-file.js'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import { realPath } from '../../wasm/node/paths.js'
import { removeDeleted } from '../../wasm/node/windows-files.js'
import { syncNames, unpackTemplate } from '../new-cluster/template.js'
import {
  createCluster,
  finishReplacing,
  INITIALISING,
  isReplacing,
  isUnfinished,
  removeUnfinished,
  UNPACKING,
  VERSION_FILE,
} from '../new-cluster/whole-or-nothing.js'
import { type DirectoryLock, isLock, lockDirectory } from './lock.js'
import type { OnRequest } from './lock-socket.js'
import { directoryRefusal } from './refusal.js'

const MAJOR = '18'

/** A data directory that this server has opened and locked. */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string
  /** Whether release() removes it. */
  readonly ephemeral: boolean
  /** Removes the cluster if its initialisation has not been finished. Its server must have ended. */
  empty(): void
  /** Sets what answers the requests that commands send to the lock. Ephemeral clusters have no lock. */
  answer(onRequest: OnRequest): void
  /** Unlocks it; removes it if it is ephemeral. */
  release(): void
}

/** Directories with a server of this process on them. */
const taken = new Set<string>()

/**
 * Opens and locks a directory for a server, and makes a new cluster if it is missing or empty.
 *
 * @param fill puts a new cluster's files into a directory, durably. If it is given, there must be no cluster yet. Default: unpacks
 *   the template
 * @throws StartupError when the directory is in use, not accessible, holds something else than a cluster, or a cluster that this
 *   server cannot use
 */
export async function openDataDirectory(
  dataDir: string,
  fill?: (directory: string) => Promise<void>,
): Promise<DataDirectory> {
  const made: string[] = []
  const path = makeDirectory(resolve(dataDir), made)
  if (taken.has(path)) {
    throw new StartupError(`data directory "${path}" is in use by another server in this process`, 'EBUSY')
  }
  taken.add(path)
  let lock: DirectoryLock | undefined
  const release = () => {
    lock?.release()
    taken.delete(path)
  }
  try {
    // Checked before locking, which writes into the directory; and again afterwards, when no other server can change it.
    contentOf(path)
    lock = await lockDirectory(path)
    finishReplacing(path)
    const content = contentOf(path)
    if (content === 'unfinished') removeUnfinished(path, isLock)
    if (content === 'cluster') {
      if (fill !== undefined)
        throw new StartupError(`"${path}" is not empty: name an empty or a new directory`)
      prepareCluster(path)
    } else await createCluster(path, fill ?? (async unpacking => unpackTemplate(unpacking, false)))
  } catch (error) {
    release()
    removeEmpty(made)
    throw directoryRefusal(error, path)
  }
  const held = lock
  return {
    path,
    ephemeral: false,
    empty: () => isWhole(path) || removeUnfinished(path, isLock),
    answer(onRequest) {
      held.onRequest = onRequest
    },
    release,
  }
}

/** Makes the directory if it is missing. Adds all directories that it makes to `made`, parents first. */
function makeDirectory(path: string, made: string[]): string {
  try {
    // Not by one recursive call: if a file system refuses a new name with ENOENT, Node 20 tries for ever.
    const parent = dirname(path)
    const topmost = existsSync(parent) ? undefined : mkdirSync(parent, { recursive: true })
    for (let name = parent; topmost !== undefined && name.length >= topmost.length; name = dirname(name)) {
      made.unshift(name)
      syncNames(dirname(name))
    }
    if (!existsSync(path)) {
      mkdirSync(path, { mode: 0o700 })
      made.push(path)
    }
    if (!statSync(path).isDirectory()) throw new StartupError(`"${path}" is not a directory`, 'ENOTDIR')
    return realPath(path)
  } catch (error) {
    throw directoryRefusal(error, path)
  }
}

/** Removes directories that makeDirectory() has made, unless they have files in them by now. */
function removeEmpty(directories: readonly string[]): void {
  try {
    for (const directory of directories.toReversed()) rmdirSync(directory)
  } catch {
    // One is not empty, so those above it are not empty either.
  }
}

/** Whether a directory holds a cluster, of whatever version, and it is whole. */
export function isCluster(path: string): boolean {
  return existsSync(join(path, VERSION_FILE)) && isWhole(path)
}

function isWhole(path: string): boolean {
  return !existsSync(join(path, INITIALISING))
}

/**
 * What a directory holds: a cluster, nothing, or a part of a cluster whose creation was interrupted. Changes nothing.
 *
 * @throws StartupError if it holds something else, or a cluster that this server cannot use
 */
function contentOf(path: string): 'cluster' | 'nothing' | 'unfinished' {
  const names = readdirSync(path).filter(name => !isLock(name))
  if (names.includes(INITIALISING)) return 'unfinished'
  if (names.includes(VERSION_FILE)) {
    if (!isReplacing(path)) checkCluster(path)
    return 'cluster'
  }
  if (names.length === 0) return 'nothing'
  if (isUnfinished(names)) return 'unfinished'
  throw new StartupError(
    `"${path}" is not empty and holds no PostgreSQL cluster: name an empty or a new directory`,
    'ENOTEMPTY',
  )
}

/** @throws StartupError unless the directory holds a cluster that this server can use */
export function checkCluster(path: string): void {
  const version = readIfThere(join(path, VERSION_FILE))?.toString().trim()
  if (version === undefined) {
    throw new StartupError(
      `"${path}" is not empty and holds no PostgreSQL cluster: name an empty or a new directory`,
      'ENOTEMPTY',
    )
  }
  if (version !== MAJOR) {
    throw new StartupError(
      `"${path}" was made by PostgreSQL ${version}, this is ${MAJOR}: dump it with pg_dumpall ${version} and restore it into a new directory`,
    )
  }
  const control = readIfThere(join(path, 'global', 'pg_control'))
  // PostgreSQL itself reports a damaged control file.
  const reason = control && isControlFile(control) ? foreignFormat(control) : undefined
  if (reason !== undefined) throw new StartupError(`the cluster in "${path}" cannot be read: ${reason}`)
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
}

function prepareCluster(path: string): void {
  // A start that was killed at its very end leaves this folder beside a whole cluster.
  rmSync(join(path, UNPACKING), { recursive: true, force: true })
  if (process.platform === 'win32') removeDeleted(path)
  // PostgreSQL refuses a directory that others may read, as copies often are.
  if ((statSync(path).mode & 0o027) !== 0) chmodSync(path, 0o700)
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
