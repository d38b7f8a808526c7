/**
 * The computer's files, as far as a cluster may reach them. Every file that SQL can name, by COPY, pg_read_file(), lo_export(), a
 * tablespace, log_directory or file_fdw, is opened here, so only this file decides which are allowed. To PostgreSQL all
 * others are files without permission.
 *
 * A path is checked twice. As it is written it must be in an allowed folder; otherwise PostgreSQL does not even learn whether it
 * exists. Its real place, after symbolic links, must be allowed as well: folders are resolved once and remembered, and the
 * last name is opened without following links, so opening a file of the cluster costs no further call. Processes cannot make links
 * that lead out, because the target of a new link must be allowed, too.
 */
import { posix } from 'node:path'
import { S_IFLNK, S_IFMT } from '../machine/abi.js'
import type { FileLayer, OpenFlags } from '../machine/host/file-layer.js'
import { FileGate, MAIN_SEAT } from './file-gate.js'
import { nodeFiles } from './files.js'
import { gatedFiles } from './gated-files.js'
import { hostPath, posixPath, realPath } from './paths.js'
import { type Discard, remove } from './removal.js'
import { sharedFiles } from './shared-files.js'

const { basename, dirname } = posix

/** A folder with everything in it. Paths are as processes see them, absolute, without a slash at the end. */
export interface AllowedFolder {
  /** As processes name it. */
  readonly path: string
  /** Its real place, without symbolic links. */
  readonly real: string
  readonly writable: boolean
}

/** One file, also if its path is a symbolic link to any place. */
export interface AllowedFile {
  readonly path: string
  /** The file to open, if it is another one. */
  readonly real?: string
  readonly writable: boolean
}

/**
 * Files to read in place of those in a folder of the installation, or beside them. They are read as they are, where links lead as well:
 * SQL cannot write there.
 */
export interface Overlay {
  /** As processes name it. */
  readonly folder: string
  /** The folder with those files. */
  readonly by: string
}

/** What a cluster may reach. Plain data, because threads get it as a message. */
export interface FileAccess {
  readonly folders: readonly AllowedFolder[]
  readonly files: readonly AllowedFile[]
  /** Of several for a folder the first one that has the file counts. */
  readonly overlays: readonly Overlay[]
  /** The memory of the gate that all changes pass: see file-gate.ts. Default: there is no gate. */
  readonly gate?: Int32Array
  /** A data directory whose files may be shared with other clusters: see shared-files.ts. Default: none is. */
  readonly shared?: string | undefined
}

/** The number of links in a path that Linux follows, too. */
const MAX_LINKS = 40

function refused(path: string, code = 'EACCES'): Error {
  return Object.assign(new Error(`${code}: ${path} is not among the files of the cluster`), { code })
}

function covers(folder: string, path: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`)
}

type Use = 'read' | 'write'

/** Decides which paths are allowed, and finds their real places. */
class Bounds {
  readonly #folders: readonly AllowedFolder[]
  readonly #named: ReadonlyMap<string, AllowedFile>
  readonly #overlays: readonly Overlay[]
  /** The real places of allowed folders that have been resolved, for reading and for writing. */
  readonly #places = { read: new Map<string, string>(), write: new Map<string, string>() }
  /** The real places of folders as processes have written them. */
  readonly #written = { read: new Map<string, string>(), write: new Map<string, string>() }
  /** Folders in which something is allowed by its own name. */
  readonly #special: ReadonlySet<string>

  constructor(
    { folders, files, overlays }: FileAccess,
    readonly layer: FileLayer,
  ) {
    this.#overlays = overlays
    this.#folders = folders
    this.#named = new Map(files.map(file => [file.path, file]))
    this.#special = new Set([...folders, ...files].map(({ path }) => dirname(path)))
  }

  /** Whether this is one of the files that are allowed by name. */
  isNamed(path: string, use: Use): boolean {
    const file = this.#named.get(posixPath(path))
    return file !== undefined && (use === 'read' || file.writable)
  }

  /** The file to open for one that is allowed by name; undefined if it is not. */
  named(path: string, use: Use): string | undefined {
    return this.isNamed(path, use) ? (this.#named.get(posixPath(path))?.real ?? path) : undefined
  }

  /** The file to read in place of one of the installation, or undefined. */
  overlaid(path: string): string | undefined {
    if (this.#overlays.length === 0) return undefined
    const name = posixPath(path)
    return this.#overlays
      .filter(({ folder }) => dirname(name) === folder)
      .map(({ by }) => `${by}/${basename(name)}`)
      .find(file => this.#exists(file))
  }

  /** Whether this is a folder above an allowed one. To resolve a path, C asks for the status of these. */
  isAbove(path: string): boolean {
    return this.#folders.some(({ path: folder }) => covers(posixPath(path), folder))
  }

  /** The real place of a folder. Throws EACCES if it is not allowed. */
  placeOf(folder: string, use: Use): string {
    const known = this.#places[use].get(folder)
    if (known !== undefined) return known
    const real = posixPath(realPath(hostPath(folder)))
    if (!this.#folders.some(allowed => covers(allowed.real, real) && (use === 'read' || allowed.writable)))
      throw refused(folder)
    this.#places[use].set(folder, real)
    return real
  }

  /** A path of the same file in which only the last name may be a link. Throws EACCES if it is not allowed. */
  inside(path: string, use: Use): string {
    return this.#beside(path, use) ?? this.#found(path, use)
  }

  /**
   * The same for a file in a folder that has been named before, as most have; undefined for others. Not on Windows, where the last name may be a
   * path of its own, such as C:\secret.
   */
  #beside(path: string, use: Use): string | undefined {
    if (process.platform === 'win32') return undefined
    const slash = path.lastIndexOf('/')
    const folder = this.#written[use].get(path.slice(0, slash))
    if (folder === undefined) return undefined
    const name = path.slice(slash + 1)
    return name === '' || name === '.' || name === '..' ? undefined : `${folder}/${name}`
  }

  #found(path: string, use: Use): string {
    const name = posixPath(path)
    const holder = this.#folders.find(
      allowed => covers(allowed.path, name) && (use === 'read' || allowed.writable),
    )
    if (holder === undefined) throw refused(path)
    if (name === holder.path) return holder.real
    const folder = this.placeOf(dirname(name), use)
    // Not where the last part is a dot or two, or ends with a slash.
    const isPlain = path.endsWith(`/${basename(name)}`) && !this.#special.has(dirname(name))
    if (isPlain) this.#written[use].set(dirname(path), folder)
    return `${folder}/${basename(name)}`
  }

  /** The path for a call that does not follow a link as last name. */
  at(path: string, use: Use): string {
    return this.#beside(path, use) ?? (this.isNamed(path, use) ? path : this.#found(path, use))
  }

  /** The path for a call that does. */
  followed(path: string, use: Use, links = 0): string {
    if (this.isNamed(path, use)) return path
    const place = this.inside(path, use)
    if (!this.#isLink(place)) return place
    if (links === MAX_LINKS) throw refused(path, 'ELOOP')
    return this.followed(this.targetOf(place), use, links + 1)
  }

  /** The target of a link. */
  targetOf(link: string): string {
    return posix.resolve(dirname(link), this.layer.readlink(link))
  }

  #exists(file: string): boolean {
    try {
      this.layer.stat(file, true)
      return true
    } catch {
      return false
    }
  }

  #isLink(place: string): boolean {
    try {
      return (this.layer.stat(place, false).mode & S_IFMT) === S_IFLNK
    } catch {
      return false // The caller's own system call will fail as well.
    }
  }
}

/**
 * @param seat the thread's at the gate
 * @param discard called with folders to be removed when there is time; not to be waited for
 */
export function confinedFiles(access: FileAccess, seat = MAIN_SEAT, discard: Discard = remove): FileLayer {
  const layer = filesBehindGate(access, seat, discard)
  const bounds = new Bounds(access, layer)

  function open(path: string, flags: OpenFlags, mode: number, links = 0): number {
    const use = flags.write || flags.create || flags.truncate ? 'write' : 'read'
    const named = bounds.named(path, use)
    if (named !== undefined) return layer.open(named, flags, mode)
    const overlaid = use === 'read' ? bounds.overlaid(path) : undefined
    if (overlaid !== undefined) return layer.open(overlaid, flags, mode)
    const place = bounds.inside(path, use)
    try {
      return layer.open(place, { ...flags, noFollow: true }, mode)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP' || flags.noFollow || links === MAX_LINKS)
        throw error
    }
    return open(bounds.targetOf(place), flags, mode, links + 1)
  }

  return {
    ...layer,
    open: (path, flags, mode) => open(path, flags, mode),
    stat(path, follow) {
      if (bounds.isAbove(path) || bounds.isNamed(path, 'read')) return layer.stat(path, follow)
      const place = bounds.inside(path, 'read')
      const status = layer.stat(place, false)
      const leads = follow && (status.mode & S_IFMT) === S_IFLNK
      return leads ? layer.stat(bounds.followed(path, 'read'), false) : status
    },
    list: path => layer.list(bounds.placeOf(bounds.followed(path, 'read'), 'read')),
    mkdir: (path, mode) => layer.mkdir(bounds.at(path, 'write'), mode),
    rmdir: path => layer.rmdir(bounds.at(path, 'write')),
    unlink: path => layer.unlink(bounds.at(path, 'write')),
    removeDirectory: path => layer.removeDirectory?.(bounds.at(path, 'write')) ?? false,
    rename: (from, to) => layer.rename(bounds.at(from, 'write'), bounds.at(to, 'write')),
    copy(from, to) {
      const target = bounds.at(to, 'write')
      // Whether the file is a link need not be known for that, and PostgreSQL copies none.
      if (layer.share?.(bounds.at(from, 'read'), target)) return
      layer.copy(bounds.followed(from, 'read'), target)
    },
    link: (from, to) => layer.link(bounds.at(from, 'write'), bounds.at(to, 'write')),
    symlink(target, path) {
      const place = bounds.inside(path, 'write')
      bounds.followed(posix.resolve(dirname(place), target), 'write')
      layer.symlink(target, place)
    },
    readlink: path => layer.readlink(bounds.isAbove(path) ? path : bounds.at(path, 'read')),
    chmod: (path, mode) => layer.chmod(bounds.followed(path, 'write'), mode),
    chown: (path, owner, group) => layer.chown(bounds.followed(path, 'write'), owner, group),
    utimes: (path, accessed, modified) => layer.utimes(bounds.followed(path, 'write'), accessed, modified),
  }
}

function filesBehindGate({ gate: words, shared }: FileAccess, seat: number, discard: Discard): FileLayer {
  const files = nodeFiles()
  if (words === undefined) return files
  const gate = new FileGate(words, seat)
  const gated = gatedFiles(files, gate)
  return shared === undefined ? gated : sharedFiles(files, gated, gate, shared, discard)
}
