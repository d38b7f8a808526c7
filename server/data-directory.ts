/**
 * The directory that holds a cluster: an existing one is checked, so that what cannot work is refused in words that help;
 * a missing or empty one gets a new cluster, atomically: see new-cluster.ts.
 *
 * A directory has one server at a time: see directory-lock.ts.
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { foreignFormat, isControlFile } from '../wasm/cluster/control-file.js'
import { errorCode, StartupError } from '../wasm/cluster/startup-error.js'
import { type DirectoryLock, isLock, lockDirectory } from './directory-lock.js'
import { directoryRefusal } from './directory-refusal.js'
import { createCluster, isUnfinished, removeUnfinished, UNPACKING, VERSION_FILE } from './new-cluster.js'
import { syncNames, unpackTemplate } from './unpack.js'

const MAJOR = '18'

/** A cluster's directory, for as long as this server has it. */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string
  /** Whether it goes away on release. */
  readonly ephemeral: boolean
  /** Lets others have it; an ephemeral one is removed. */
  release(): void
}

/** Directories with a server of this process on them. */
const taken = new Set<string>()

/**
 * Takes a directory for a server, making a new cluster when it is missing or empty.
 *
 * @param fill puts a new cluster's files into a directory, durably; if it is given, there must be none yet
 * @throws StartupError when it is in use, not a cluster, a cluster that this server cannot read, or not accessible
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
    // Before the lock, which is written into the directory, and again once nobody else can change it.
    contentOf(path)
    lock = await lockDirectory(path)
    const content = contentOf(path)
    if (content === 'unfinished') removeUnfinished(path)
    if (content === 'cluster') {
      if (fill !== undefined)
        throw new StartupError(`"${path}" is not empty: name an empty or a new directory`)
      prepareCluster(path)
    } else await createCluster(path, fill ?? (async unpacking => unpackTemplate(unpacking, true)))
  } catch (error) {
    release()
    removeEmpty(made)
    throw directoryRefusal(error, path)
  }
  return { path, ephemeral: false, release }
}

/** Makes the directory if there is none. What is made is added to `made`, each one before what is in it. */
function makeDirectory(path: string, made: string[]): string {
  try {
    // Not by one recursive call: where a file system refuses a new name with ENOENT, Node 20 would try for ever.
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
    return realpathSync(path)
  } catch (error) {
    throw directoryRefusal(error, path)
  }
}

/** Removes directories that were made for nothing, unless somebody has come to use them. */
function removeEmpty(directories: readonly string[]): void {
  try {
    for (const directory of directories.toReversed()) rmdirSync(directory)
  } catch {
    // It is not empty, and so is none above it.
  }
}

/** Whether a directory holds a cluster, of whatever version. */
export function isCluster(path: string): boolean {
  return existsSync(join(path, VERSION_FILE))
}

/**
 * What a directory holds: a cluster, nothing, or what somebody has left who was killed while creating one. Changes nothing.
 *
 * @throws StartupError if it is something else, or a cluster that this server cannot read
 */
function contentOf(path: string): 'cluster' | 'nothing' | 'unfinished' {
  const names = readdirSync(path).filter(name => !isLock(name))
  if (names.includes(VERSION_FILE)) {
    checkCluster(path)
    return 'cluster'
  }
  if (names.length === 0) return 'nothing'
  if (isUnfinished(names)) return 'unfinished'
  throw new StartupError(
    `"${path}" is not empty and holds no PostgreSQL cluster: name an empty or a new directory`,
    'ENOTEMPTY',
  )
}

/** @throws StartupError unless the directory has a cluster that this server can use */
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
  // What is damaged PostgreSQL tells.
  const reason = control && isControlFile(control) ? foreignFormat(control) : undefined
  if (reason !== undefined) throw new StartupError(`the cluster in "${path}" cannot be read: ${reason}`)
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
}

function prepareCluster(path: string): void {
  // Of a start that was killed at its very end.
  rmSync(join(path, UNPACKING), { recursive: true, force: true })
  // PostgreSQL insists on this; copies may be open to all.
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
