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
import type { FileLayer, FileStatus, OpenFlags } from '../machine/host/file-layer.js'
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

const LINK = 0o120000
const TYPE = 0o170000

function refused(path: string, code = 'EACCES'): Error {
  return Object.assign(new Error(`${code}: ${path} is not among the files of the cluster`), { code })
}

function covers(folder: string, path: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`)
}

export function confinedFiles({ folders, files }: FileAccess): FileLayer {
  const layer = nodeFiles()
  const named = new Map(files.map(file => [file.path, file]))
  /** Folders whose real place has been found to be allowed, and that place; those that may be written to. */
  const places = { read: new Map<string, string>(), write: new Map<string, string>() }

  function placeOf(folder: string, use: 'read' | 'write'): string {
    const known = places[use].get(folder)
    if (known !== undefined) return known
    const real = realpathSync.native(folder)
    if (!folders.some(allowed => covers(allowed.real, real) && (use === 'read' || allowed.writable)))
      throw refused(folder)
    places[use].set(folder, real)
    return real
  }

  /** The same file by a path of which only the last name may be a link. */
  function inside(path: string, use: 'read' | 'write'): string {
    const name = resolve(path)
    const holder = folders.find(allowed => covers(allowed.path, name) && (use === 'read' || allowed.writable))
    if (holder === undefined) throw refused(path)
    if (name === holder.path) return holder.real
    return `${placeOf(dirname(name), use)}/${basename(name)}`
  }

  /** Is it a folder above one that is allowed? Whoever resolves a path asks about these. */
  const isAbove = (path: string) => folders.some(({ path: folder }) => covers(resolve(path), folder))

  const isNamed = (path: string, use: 'read' | 'write') => {
    const file = named.get(resolve(path))
    return file !== undefined && (use === 'read' || file.writable)
  }

  /** Where to carry out a call that does not follow the last name if that is a link. */
  const at = (path: string, use: 'read' | 'write') => (isNamed(path, use) ? path : inside(path, use))

  const targetOf = (link: string) => resolve(dirname(link), layer.readlink(link))

  /** Where to carry out a call that does follow. */
  function followed(path: string, use: 'read' | 'write', links = 0): string {
    if (isNamed(path, use)) return path
    const place = inside(path, use)
    if (!isLink(place)) return place
    if (links === MAX_LINKS) throw refused(path, 'ELOOP')
    return followed(targetOf(place), use, links + 1)
  }

  function isLink(place: string): boolean {
    try {
      return (layer.stat(place, false).mode & TYPE) === LINK
    } catch {
      return false // Whoever makes use of it hears why.
    }
  }

  function open(path: string, flags: OpenFlags, mode: number, links = 0): number {
    const use = flags.write || flags.create || flags.truncate ? 'write' : 'read'
    if (isNamed(path, use)) return layer.open(path, flags, mode)
    const place = inside(path, use)
    try {
      return layer.open(place, { ...flags, noFollow: true }, mode)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP' || flags.noFollow || links === MAX_LINKS)
        throw error
    }
    return open(targetOf(place), flags, mode, links + 1)
  }

  function stat(path: string, followLinks: boolean): FileStatus {
    if (isAbove(path)) return layer.stat(path, followLinks)
    return layer.stat((followLinks ? followed : at)(path, 'read'), followLinks && isNamed(path, 'read'))
  }

  return {
    ...layer,
    open: (path, flags, mode) => open(path, flags, mode),
    stat,
    list: path => layer.list(placeOf(followed(path, 'read'), 'read')),
    mkdir: (path, mode) => layer.mkdir(at(path, 'write'), mode),
    rmdir: path => layer.rmdir(at(path, 'write')),
    unlink: path => layer.unlink(at(path, 'write')),
    rename: (from, to) => layer.rename(at(from, 'write'), at(to, 'write')),
    link: (from, to) => layer.link(at(from, 'write'), at(to, 'write')),
    symlink(target, path) {
      const place = inside(path, 'write')
      followed(resolve(dirname(place), target), 'write')
      layer.symlink(target, place)
    },
    readlink: path => layer.readlink(isAbove(path) ? path : at(path, 'read')),
    chmod: (path, mode) => layer.chmod(followed(path, 'write'), mode),
    chown: (path, owner, group) => layer.chown(followed(path, 'write'), owner, group),
    utimes: (path, accessed, modified) => layer.utimes(followed(path, 'write'), accessed, modified),
  }
}
