/**
 * The directory that holds a cluster: an existing one is checked, so that what cannot work is refused in words that help;
 * a missing or empty one gets a new cluster, atomically.
 *
 * A new cluster is unpacked into a folder inside the directory, which also works where the directory is a mount point, and its
 * parts are then moved up, PG_VERSION last: that file is what makes a directory a cluster. Whoever is killed before
 * leaves the folder, by which the next one knows that the rest may go.
 *
 * A directory has one server at a time: see directory-lock.ts.
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { foreignFormat, isControlFile } from '../wasm/cluster/control-file.js'
import { errorCode, StartupError } from '../wasm/cluster/startup-error.js'
import { type DirectoryLock, isAlive, isLock, lockDirectory } from './directory-lock.js'
import { syncPath, unpackTemplate } from './unpack.js'

const MAJOR = '18'

/** What makes a directory a cluster. */
const VERSION_FILE = 'PG_VERSION'

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

/** Those that go when this process exits. */
const ephemeral = new Set<string>()

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
    throw refusal(error, path)
  }
  return { path, ephemeral: false, release }
}

/** Linux's file system in memory, its number in statfs(2), and the free bytes without which it is left alone. */
const SHM = '/dev/shm'
const TMPFS = 0x01021994
const ENOUGH_MEMORY = 1 << 30

/**
 * Where what is ephemeral goes: into memory where there is plenty, since making a thousand files takes most of a start's
 * time on a disk; otherwise to the system's temporary directory, or wherever TMPDIR says.
 */
function ephemeralParent(): string {
  if (process.env.TMPDIR !== undefined) return tmpdir()
  try {
    const { type, bavail, bsize } = statfsSync(SHM)
    if (type === TMPFS && bavail * bsize >= ENOUGH_MEMORY) {
      accessSync(SHM, constants.W_OK)
      return SHM
    }
  } catch {
    // There is none.
  }
  return tmpdir()
}

/** Makes a cluster that goes when it is released, or when this process exits. */
export async function createEphemeralDirectory(
  fill: (directory: string) => Promise<void> = async directory => unpackTemplate(directory, false),
): Promise<DataDirectory> {
  const parent = ephemeralParent()
  const prefix = `pglite-imports-server-${hostname()}-`
  removeAbandoned(parent, prefix)
  const path = mkdtempSync(join(parent, `${prefix}${process.pid}-`))
  if (ephemeral.size === 0) process.on('exit', removeEphemeral)
  ephemeral.add(path)
  const release = () => {
    remove(path)
    ephemeral.delete(path)
    if (ephemeral.size === 0) process.off('exit', removeEphemeral)
  }
  try {
    await fill(path)
  } catch (error) {
    release()
    throw refusal(error, path)
  }
  return { path, ephemeral: true, release }
}

function removeEphemeral(): void {
  for (const path of ephemeral) remove(path)
}

/** Tries for a while: when the process exits, backends may still be making files. */
function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
}

/** Removes ephemeral clusters of processes on this machine that were killed. */
function removeAbandoned(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (Number.isNaN(owner) || isAlive(owner)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Another user's.
    }
  }
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
    throw refusal(error, path)
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

/** Makes the names in a directory durable, unless it is one that may be passed through but not read. */
function syncNames(directory: string): void {
  try {
    syncPath(directory)
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error
  }
}

const UNPACKING = '.unpacking'
/** What of a cluster may lie beside that folder: parts moved up, but never PG_VERSION. */
const UNPACKED = /^(pg_[a-z_]+(\.conf)?|postgresql(\.auto)?\.conf|base|global)$/

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
  if (names.includes(UNPACKING) && names.every(name => name === UNPACKING || UNPACKED.test(name)))
    return 'unfinished'
  throw new StartupError(
    `"${path}" is not empty and holds no PostgreSQL cluster: name an empty or a new directory`,
    'ENOTEMPTY',
  )
}

/** The folder goes last, for without it the rest would look like something else. */
function removeUnfinished(path: string): void {
  const parts = readdirSync(path).filter(name => UNPACKED.test(name))
  for (const name of parts) rmSync(join(path, name), { recursive: true })
  syncPath(path)
  rmSync(join(path, UNPACKING), { recursive: true })
}

/** @param fill puts a cluster's files into a directory, durably */
async function createCluster(path: string, fill: (directory: string) => Promise<void>): Promise<void> {
  chmodSync(path, 0o700)
  const unpacking = join(path, UNPACKING)
  mkdirSync(unpacking, { mode: 0o700 })
  try {
    await fill(unpacking)
  } catch (error) {
    rmSync(unpacking, { recursive: true, force: true })
    throw error
  }
  // Before any part is beside it: see contentOf().
  syncPath(path)
  for (const name of readdirSync(unpacking).filter(name => name !== VERSION_FILE))
    renameSync(join(unpacking, name), join(path, name))
  syncPath(path)
  // Whatever will be acknowledged is in this directory, so its own name must be durable, too.
  syncNames(dirname(path))
  renameSync(join(unpacking, VERSION_FILE), join(path, VERSION_FILE))
  syncPath(path)
  rmSync(unpacking, { recursive: true })
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

function refusal(error: unknown, path: string): unknown {
  if (error instanceof StartupError) return error
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return new StartupError(`data directory "${path}" is not accessible: permission denied`, 'EACCES')
    case 'EROFS':
      return new StartupError(`data directory "${path}" is on a read-only file system`, 'EROFS')
    case 'ENOSPC':
      return new StartupError(`data directory "${path}" cannot be created: no space left on device`, 'ENOSPC')
    case 'ENOTDIR':
      return new StartupError(
        `data directory "${path}" cannot be created: a part of the path is not a directory`,
      )
    case undefined:
      return error
    default:
      return new StartupError(
        `data directory "${path}" cannot be used: ${(error as Error).message}`,
        errorCode(error),
      )
  }
}
