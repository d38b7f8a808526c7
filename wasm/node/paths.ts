/**
 * Paths as processes see them, and as the host has them. PostgreSQL is built for a POSIX system, so processes see POSIX paths
 * everywhere: on Windows `C:\Users\me` is /c/Users/me to them, and `\\server\share` is /unc/server/share. Elsewhere the
 * two are the same.
 *
 * Whatever goes to a process goes through posixPath(), and whatever a process names goes through hostPath().
 */
import { realpathSync } from 'node:fs'
import { posix, resolve } from 'node:path'

export interface Paths {
  /** An absolute path of the host's, or one that a process names, as processes see it: without . and .., or a slash at its end. */
  posixPath(path: string): string
  /**
   * Where on the host that is, given what posixPath() returns.
   *
   * @throws an error with code ENOENT when no drive or share is named, EINVAL for a name that Windows has other uses for
   */
  hostPath(path: string): string
  /** The same for a name in a configuration file, which is relative to a directory of the host's unless it is absolute. */
  hostPathIn(directory: string, name: string): string
}

/** The device that takes everything. */
const NULL_DEVICE = '/dev/null'

/** A drive anywhere in a path: what stands before it is a working directory, to which a process has added the host's path. */
const LAST_DRIVE = /^(?:.*\/)?([A-Za-z]):(?=\/|$)/
const DRIVE = /^\/([a-z])(?=\/|$)/
const SHARE = /^\/unc\/([^/]+)\/([^/]+)/

/** Of a path that is free of Windows' limits, or of a device's. */
const PREFIX = /^\\\\[?.]\\(?:(UNC)\\)?/i

/** In names Windows does not have these, or takes them to mean a stream or a pattern. */
const IMPOSSIBLE = /[<>:"|?*\\]/

function windowsPosixPath(path: string): string {
  const plain = path.replace(PREFIX, (_, unc?: string) => (unc === undefined ? '' : '\\\\'))
  const slashed = plain.replaceAll('\\', '/')
  const [before, drive] = LAST_DRIVE.exec(slashed) ?? []
  if (drive !== undefined) return posix.resolve('/', drive.toLowerCase(), `.${slashed.slice(before!.length)}`)
  return posix.resolve('/', plain.startsWith('\\\\') ? `unc${slashed.slice(1)}` : slashed)
}

function windowsHostPath(path: string): string {
  if (path === NULL_DEVICE) return '\\\\.\\NUL'
  if (IMPOSSIBLE.test(path)) throw failure('EINVAL', path)
  const drive = DRIVE.exec(path)?.[1]
  if (drive !== undefined) return `${drive.toUpperCase()}:${path.slice(2).replaceAll('/', '\\') || '\\'}`
  if (!SHARE.test(path)) throw failure('ENOENT', path)
  return `\\${path.slice('/unc'.length).replaceAll('/', '\\')}`
}

export const windowsPaths: Paths = {
  posixPath: windowsPosixPath,
  hostPath: windowsHostPath,
  hostPathIn: (directory, name) =>
    windowsHostPath(windowsPosixPath(/^[/\\]/.test(name) ? name : `${directory}/${name}`)),
}

const posixPaths: Paths = { posixPath: path => resolve(path), hostPath: path => path, hostPathIn: resolve }

export const { posixPath, hostPath, hostPathIn } = process.platform === 'win32' ? windowsPaths : posixPaths

/** Where a path of the host's really leads, without symbolic links, by the names that the file system itself has. */
export const realPath: (path: string) => string = realpathSync.native

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path} is not a path of this system`), { code })
}
