/**
 * Files of Windows, with the behaviour of POSIX that the rest of the server expects. For the paths see paths.ts.
 *
 * - There are no modes: Windows' own access rights decide who may use a file, and chmod and chown do nothing.
 * - While a process has a deleted file open, the file's name cannot always be used again. So a file is first renamed, then deleted.
 * - A file cannot replace one that is open. Most processes have it open for a moment only, so the layer tries again, as PostgreSQL
 *   does on Windows, and moves a file aside that stays open.
 * - Virus scanners and indexers open new files, and Windows refuses other calls meanwhile: the layer tries those again, too.
 * - Directories cannot be flushed, and need not be: NTFS keeps names in a journal.
 * - Links to directories are junctions, which processes can make without a privilege.
 */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../machine/abi.js'
import type { FileLayer, FileStatus } from '../machine/host/file-layer.js'
import { hostPath, posixPath } from './paths.js'

/** Names of files that Windows deletes when the last process closes them. PostgreSQL's tools leave out names that begin like this. */
const DELETED = 'pgsql_tmp.deleted.'

/** For how many milliseconds to repeat a refused call, and at most how many between two tries. PostgreSQL has 10 s and 100 ms. */
const PATIENCE = 10_000
const PAUSE = 100
/** The same for renaming, before an open file is moved out of the way. */
const RENAME_PATIENCE = 500

const OWNERS = 0o700

const never = new Int32Array(new SharedArrayBuffer(4))

/** @param layer has the host's paths */
export function windowsFiles(layer: FileLayer): FileLayer {
  const at = (path: string) => hostPath(posixPath(path))
  // syncLater() would try to sync directories, which Windows refuses.
  const { syncLater: _, ...others } = layer
  return posixErrors({
    ...others,
    open(path, flags, mode) {
      const file = at(path)
      if (flags.noFollow && typeOf(file) === S_IFLNK) throw failure('ELOOP', path)
      const handle = patiently(() => layer.open(file, flags, mode), ['EBUSY'])
      if (!flags.write || (layer.fstat(handle).mode & S_IFMT) !== S_IFDIR) return handle
      layer.close(handle)
      throw failure('EISDIR', path)
    },
    sync(handle, dataOnly) {
      try {
        layer.sync(handle, dataOnly)
      } catch (error) {
        if ((layer.fstat(handle).mode & S_IFMT) !== S_IFDIR) throw error
      }
    },
    stat: (path, follow) => (isAboveAll(path) ? ROOT : owners(layer.stat(at(path), follow))),
    fstat: handle => owners(layer.fstat(handle)),
    list: path => layer.list(at(path)).filter(({ name }) => !isDeleted(name)),
    mkdir: (path, mode) => layer.mkdir(at(path), mode),
    rmdir: path =>
      patiently(() => layer.rmdir(at(path)), ['EBUSY', ...(onlyDeleted(at(path)) ? ['ENOTEMPTY'] : [])]),
    unlink: path => unlink(at(path)),
    rename: (from, to) => rename(at(from), at(to)),
    link: (from, to) => layer.link(at(from), at(to)),
    symlink: (target, path) => fs.symlinkSync(at(posixFrom(path, target)), at(path), 'junction'),
    readlink(path) {
      if (isAboveAll(path) || typeOf(at(path)) !== S_IFLNK) throw failure('EINVAL', path)
      return posixPath(layer.readlink(at(path)))
    },
    chmod: path => void layer.stat(at(path), true),
    chown: path => void layer.stat(at(path), true),
    utimes: (path, accessed, modified) => layer.utimes(at(path), accessed, modified),
  })
}

/** Removes the files that had been deleted but were still open when their server was killed, from a directory and those inside. */
export function removeDeleted(directory: string): void {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) removeDeleted(path)
    else if (isDeleted(entry.name)) discard(path)
  }
}

function isDeleted(name: string): boolean {
  return name.startsWith(DELETED)
}

function onlyDeleted(directory: string): boolean {
  try {
    return fs.readdirSync(directory).every(isDeleted)
  } catch {
    return false // rmdir tells why.
  }
}

function unlink(file: string): void {
  const type = typeOf(file)
  if (type === S_IFDIR) throw failure('EISDIR', file)
  if (type === undefined || type === S_IFLNK) fs.unlinkSync(file)
  else discard(patiently(() => moveAside(file), ['EBUSY', 'EPERM', 'EACCES']))
}

function rename(from: string, to: string): void {
  const refusals = ['EBUSY', 'EPERM', 'EACCES']
  const replaced = typeOf(to)
  if (replaced === S_IFDIR && typeOf(from) !== S_IFDIR)
    throw failure(typeOf(from) === undefined ? 'ENOENT' : 'EISDIR', to)
  try {
    return void patiently(
      () => fs.renameSync(from, to),
      refusals,
      replaced === undefined ? PATIENCE : RENAME_PATIENCE,
    )
  } catch (error) {
    if (!refusals.includes(codeOf(error)) || typeOf(to) !== S_IFREG) throw error
  }
  const aside = moveAside(to)
  try {
    patiently(() => fs.renameSync(from, to), refusals)
  } catch (error) {
    fs.renameSync(aside, to)
    throw error
  }
  discard(aside)
}

let moved = 0

/** Renames a file to a name that no process uses. Returns its path. */
function moveAside(file: string): string {
  const name = `${DELETED}${process.pid}.${threadId}.${Date.now().toString(36)}.${moved++}`
  const aside = join(dirname(file), name)
  fs.renameSync(file, aside)
  return aside
}

/** Deletes a file that has been renamed. If Windows refuses, the file stays under the new name until removeDeleted() removes it. */
function discard(aside: string): void {
  try {
    fs.unlinkSync(aside)
  } catch {
    // A process has the file open without sharing it.
  }
}

/** S_IFDIR, S_IFLNK, …; undefined if there is nothing. */
function typeOf(file: string): number | undefined {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false })
  return stats && stats.mode & S_IFMT
}

/** Repeats a call until it does not fail with one of these codes any more, or the time is up. */
function patiently<T>(call: () => T, refusals: readonly string[], milliseconds = PATIENCE): T {
  const end = performance.now() + milliseconds
  for (let pause = 1; ; pause = Math.min(2 * pause, PAUSE)) {
    try {
      return call()
    } catch (error) {
      if (!refusals.includes(codeOf(error)) || performance.now() > end) throw error
    }
    Atomics.wait(never, 0, 0, pause)
  }
}

/** Whether a path is above all drives and shares. Windows has no directory there; processes see an empty one. */
function isAboveAll(path: string): boolean {
  return /^\/(?:unc(?:\/[^/]+)?)?$/.test(posixPath(path))
}

const ROOT: FileStatus = {
  ...{ mode: S_IFDIR | OWNERS, size: 0, device: 0, inode: 0, links: 1, blocks: 0 },
  ...{ accessed: 0, modified: 0, changed: 0 },
}

function owners(status: FileStatus): FileStatus {
  return { ...status, mode: (status.mode & S_IFMT) | OWNERS }
}

/** Where a link leads that is at this path. */
function posixFrom(path: string, target: string): string {
  return target.startsWith('/') ? target : `${posixPath(path)}/../${target}`
}

/** Replaces EPERM by EACCES, as PostgreSQL does on Windows, which does not distinguish the two. */
function posixErrors(layer: FileLayer): FileLayer {
  const calls = Object.entries(layer).map(([name, call]) => [
    name,
    (...args: unknown[]) => {
      try {
        return (call as (...args: unknown[]) => unknown)(...args)
      } catch (error) {
        if (codeOf(error) === 'EPERM') throw Object.assign(error as Error, { code: 'EACCES' })
        throw error
      }
    },
  ])
  return Object.fromEntries(calls) as FileLayer
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
