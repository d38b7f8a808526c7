/**
 * Paths as processes see them, and as the host has them. PostgreSQL is built for a POSIX system, so processes see POSIX paths
 * everywhere: on Windows `C:\Users\me` is /c/Users/me to them, and `\\server\share` is /unc/server/share. On other systems the
 * two are the same.
 *
 * posixPath() converts every path that the host gives to a process, hostPath() every path that a process names.
 */
import { realpathSync } from 'node:fs'
import { posix, resolve } from 'node:path'

export interface Paths {
  /** An absolute path, of the host or of a process, as processes see it: without . and .., and without a slash at its end. */
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

/** The null device. */
const NULL_DEVICE = '/dev/null'

/** A drive in the middle of a path. A process has put its working directory in front of one of the host's paths. */
const LAST_DRIVE = /^(?:.*\/)?([A-Za-z]):(?=\/|$)/
const DRIVE = /^\/([a-z])(?=\/|$)/
const SHARE = /^\/unc\/([^/]+)\/([^/]+)/

/** The prefix of a path to which Windows' limits do not apply, or of a device. */
const PREFIX = /^\\\\[?.]\\(?:(UNC)\\)?/i

/** Characters that Windows does not allow in names, or takes for a stream or a pattern. */
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

/** The real path of one of the host's paths: without symbolic links, and with the names as the file system has them. */
export const realPath: (path: string) => string = realpathSync.native

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path} is not a path of this system`), { code })
}
