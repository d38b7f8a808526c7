/**
 * Copies the files of a cluster as they are at one moment, while no process changes them: see wasm/node/file-gate.ts. A server that
 * starts on the copy recovers as one does that was killed at that moment.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  type Dirent,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { isControlFile, isUsedSegment, WAL_HEADER, walSegmentSize } from '../../wasm/cluster/control-file.js'
import { errorCode } from '../../wasm/cluster/startup-error.js'
import { isRelationFile } from '../../wasm/node/shared-files.js'
import { isLock } from './lock.js'

/** Folders whose contents only the server has a use for that has written them, as for a base backup. */
const EMPTY = new Set([
  ...['pg_dynshmem', 'pg_notify', 'pg_replslot', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans'],
  ...['pg_wal/archive_status', 'pg_wal/summaries'],
])

/** Files that belong to the server that runs, or that the next one makes anew. */
const LEFT_OUT = /^(postmaster\.(pid|opts)|current_logfiles.*|pgsql_tmp.*|pg_internal\.init.*|t\d+_.*|\..*)$/

/** Files that PostgreSQL replaces, but never changes. */
const NEVER_CHANGED = /^(PG_VERSION|pg_filenode\.map)$/

const SEGMENT = /^[0-9A-F]{24}$/

/** What to copy, and how. */
export interface CopyOptions {
  /**
   * Whether files of tables may be hard links to the original. Then every process that writes to them later, on either side, must do so by
   * shared-files.ts. Where the file system refuses links, they are copied.
   */
  readonly share: boolean
  /** The oldest WAL segment that recovery needs. Default: the oldest there is. */
  readonly firstSegment?: string | undefined
}

/**
 * @param source a data directory
 * @param target an empty directory
 */
export function copyFiles(source: string, target: string, options: CopyOptions): void {
  new Copy(source, target, options).folder('')
}

class Copy {
  #share: boolean
  readonly #segmentSize: number

  constructor(
    readonly source: string,
    readonly target: string,
    readonly options: CopyOptions,
  ) {
    this.#share = options.share
    const control = readFileSync(join(source, 'global', 'pg_control'))
    // PostgreSQL itself reports a damaged file.
    this.#segmentSize = isControlFile(control) ? walSegmentSize(control) : 0
  }

  /** @param path '' or a path in the data directory that begins with a slash */
  folder(path: string): void {
    for (const entry of readdirSync(this.source + path, { withFileTypes: true })) {
      if (LEFT_OUT.test(entry.name) || isLock(entry.name)) continue
      const name = `${path}/${entry.name}`
      // Tablespaces, and pg_wal on another disk, become parts of the copy.
      if (isFolder(this.source + name, entry)) this.#copyFolder(name)
      else if (entry.isFile() || entry.isSymbolicLink()) this.#copyFile(name, entry.name)
    }
  }

  #copyFolder(name: string): void {
    mkdirSync(this.target + name, { mode: 0o700 })
    if (!EMPTY.has(name.slice(1))) this.folder(name)
  }

  #copyFile(path: string, name: string): void {
    if (path.startsWith('/pg_wal/') && SEGMENT.test(name) && !this.#isNeeded(path, name)) return
    const [from, to] = [this.source + path, this.target + path]
    const shares = this.#share && (isRelationFile(path) || NEVER_CHANGED.test(name))
    if (!shares || !this.#link(from, to))
      copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  }

  #link(from: string, to: string): boolean {
    try {
      linkSync(from, to)
      return true
    } catch (error) {
      // EMLINK: this one file has too many names.
      if (errorCode(error) !== 'EMLINK') this.#share = false
      return false
    }
  }

  /** Whether recovery may read this segment. PostgreSQL also keeps segments for later use, in which is nothing yet. */
  #isNeeded(path: string, name: string): boolean {
    const { firstSegment = '' } = this.options
    if (name < firstSegment) return false
    const header = new Uint8Array(WAL_HEADER)
    const file = openSync(this.source + path, 'r')
    try {
      readSync(file, header)
    } finally {
      closeSync(file)
    }
    return this.#segmentSize === 0 || isUsedSegment(name, header, this.#segmentSize)
  }
}

function isFolder(path: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
