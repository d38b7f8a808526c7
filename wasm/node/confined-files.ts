/**
 * The machine's files, as far as a cluster may reach them. What SQL can name, by COPY, pg_read_file(), lo_export(), a
 * tablespace, a log's folder or the file of a foreign table, all comes through here, so this is the one place that says
 * what is out of bounds; to PostgreSQL it is a file without permission.
 *
 * A path is looked at twice. As it is written it must lie in a folder that is allowed, or nothing is told about it, not
 * even whether it exists. And where it really leads, through symbolic links, must be allowed as well: folders are
 * resolved once and remembered, and the last name is opened in a way that does not follow links, so that opening a file
 * of the cluster costs no further call. Processes cannot make links that lead out, because what a link is made to point
 * to has to be allowed, too.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { S_IFLNK, S_IFMT } from '../machine/abi.js'
import type { FileLayer, OpenFlags } from '../machine/host/file-layer.js'
import { nodeFiles } from './files.js'

/** A folder with all that is in it. Paths are absolute, without a slash at the end. */
export interface AllowedFolder {
  /** As it may be written. */
  readonly path: string
  /** Where that is, without symbolic links. */
  readonly real: string
  readonly writable: boolean
}

/** One file, wherever it leads. */
export interface AllowedFile {
  readonly path: string
  readonly writable: boolean
}

/** What a cluster may reach. Plain data, for threads are told it as a message. */
export interface FileAccess {
  readonly folders: readonly AllowedFolder[]
  readonly files: readonly AllowedFile[]
}

/** As many links as Linux follows. */
const MAX_LINKS = 40

function refused(path: string, code = 'EACCES'): Error {
  return Object.assign(new Error(`${code}: ${path} is not among the files of the cluster`), { code })
}

function covers(folder: string, path: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`)
}

type Use = 'read' | 'write'

/** Where calls on paths may be carried out, and where that is. */
class Bounds {
  readonly #folders: readonly AllowedFolder[]
  readonly #named: ReadonlyMap<string, AllowedFile>
  /** Folders whose real place has been found to be allowed, and that place; those that may be written to. */
  readonly #places = { read: new Map<string, string>(), write: new Map<string, string>() }

  constructor(
    { folders, files }: FileAccess,
    readonly layer: FileLayer,
  ) {
    this.#folders = folders
    this.#named = new Map(files.map(file => [file.path, file]))
  }

  /** Whether this is one of the files that are allowed by name. */
  isNamed(path: string, use: Use): boolean {
    const file = this.#named.get(resolve(path))
    return file !== undefined && (use === 'read' || file.writable)
  }

  /** Is it a folder above one that is allowed? Whoever resolves a path asks about these. */
  isAbove(path: string): boolean {
    return this.#folders.some(({ path: folder }) => covers(resolve(path), folder))
  }

  /** Where a folder really is. */
  placeOf(folder: string, use: Use): string {
    const known = this.#places[use].get(folder)
    if (known !== undefined) return known
    const real = realpathSync.native(folder)
    if (!this.#folders.some(allowed => covers(allowed.real, real) && (use === 'read' || allowed.writable)))
      throw refused(folder)
    this.#places[use].set(folder, real)
    return real
  }

  /** The same file by a path of which only the last name may be a link. */
  inside(path: string, use: Use): string {
    const name = resolve(path)
    const holder = this.#folders.find(
      allowed => covers(allowed.path, name) && (use === 'read' || allowed.writable),
    )
    if (holder === undefined) throw refused(path)
    if (name === holder.path) return holder.real
    return `${this.placeOf(dirname(name), use)}/${basename(name)}`
  }

  /** Where to carry out a call that does not follow the last name if that is a link. */
  at(path: string, use: Use): string {
    return this.isNamed(path, use) ? path : this.inside(path, use)
  }

  /** Where to carry out a call that does follow. */
  followed(path: string, use: Use, links = 0): string {
    if (this.isNamed(path, use)) return path
    const place = this.inside(path, use)
    if (!this.#isLink(place)) return place
    if (links === MAX_LINKS) throw refused(path, 'ELOOP')
    return this.followed(this.targetOf(place), use, links + 1)
  }

  /** Where a link leads. */
  targetOf(link: string): string {
    return resolve(dirname(link), this.layer.readlink(link))
  }

  #isLink(place: string): boolean {
    try {
      return (this.layer.stat(place, false).mode & S_IFMT) === S_IFLNK
    } catch {
      return false // Whoever makes use of it hears why.
    }
  }
}

export function confinedFiles(access: FileAccess): FileLayer {
  const layer = nodeFiles()
  const bounds = new Bounds(access, layer)

  function open(path: string, flags: OpenFlags, mode: number, links = 0): number {
    const use = flags.write || flags.create || flags.truncate ? 'write' : 'read'
    if (bounds.isNamed(path, use)) return layer.open(path, flags, mode)
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
      if (bounds.isAbove(path)) return layer.stat(path, follow)
      const place = follow ? bounds.followed(path, 'read') : bounds.at(path, 'read')
      return layer.stat(place, follow && bounds.isNamed(path, 'read'))
    },
    list: path => layer.list(bounds.placeOf(bounds.followed(path, 'read'), 'read')),
    mkdir: (path, mode) => layer.mkdir(bounds.at(path, 'write'), mode),
    rmdir: path => layer.rmdir(bounds.at(path, 'write')),
    unlink: path => layer.unlink(bounds.at(path, 'write')),
    rename: (from, to) => layer.rename(bounds.at(from, 'write'), bounds.at(to, 'write')),
    link: (from, to) => layer.link(bounds.at(from, 'write'), bounds.at(to, 'write')),
    symlink(target, path) {
      const place = bounds.inside(path, 'write')
      bounds.followed(resolve(dirname(place), target), 'write')
      layer.symlink(target, place)
    },
    readlink: path => layer.readlink(bounds.isAbove(path) ? path : bounds.at(path, 'read')),
    chmod: (path, mode) => layer.chmod(bounds.followed(path, 'write'), mode),
    chown: (path, owner, group) => layer.chown(bounds.followed(path, 'write'), owner, group),
    utimes: (path, accessed, modified) => layer.utimes(bounds.followed(path, 'write'), accessed, modified),
  }
}
