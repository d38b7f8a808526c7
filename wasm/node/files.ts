/** The computer's files, by node:fs: synchronous calls, real fsync. */
import * as fs from 'node:fs'
import type { EntryType, FileLayer, FileStatus, OpenFlags } from '../machine/host/file-layer.js'
import { windowsFiles } from './windows-files.js'

const { constants } = fs

/** libuv's flag for O_DSYNC on Windows, for which Node has no name. */
const WINDOWS_DSYNC = 0x04000000

const NOT_A_LINK = Object.assign(new Error('EINVAL: not a symbolic link'), { code: 'EINVAL' })

function openFlags(flags: OpenFlags): number {
  let bits = flags.write ? (flags.read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY
  if (flags.create) bits |= constants.O_CREAT
  if (flags.exclusive) bits |= constants.O_EXCL
  if (flags.truncate) bits |= constants.O_TRUNC
  if (flags.append) bits |= constants.O_APPEND
  if (flags.sync) bits |= constants.O_DSYNC ?? constants.O_SYNC ?? WINDOWS_DSYNC
  if (flags.noFollow) bits |= constants.O_NOFOLLOW ?? 0
  if (flags.nonBlocking) bits |= constants.O_NONBLOCK ?? 0
  return bits
}

function status(stats: fs.Stats): FileStatus {
  return {
    mode: stats.mode,
    size: stats.size,
    device: stats.dev,
    inode: stats.ino,
    links: stats.nlink,
    blocks: stats.blocks,
    accessed: stats.atimeMs,
    modified: stats.mtimeMs,
    changed: stats.ctimeMs,
  }
}

function entryType(entry: fs.Dirent): EntryType {
  if (entry.isDirectory()) return 'directory'
  if (entry.isSymbolicLink()) return 'link'
  return entry.isFile() ? 'file' : 'other'
}

/** By paths as processes see them. */
export function nodeFiles(): FileLayer {
  return process.platform === 'win32' ? windowsFiles(hostFiles()) : hostFiles()
}

function hostFiles(): FileLayer {
  const handles = new Set<number>()
  return {
    open(path, flags, mode) {
      const handle = fs.openSync(path, openFlags(flags), mode)
      handles.add(handle)
      return handle
    },
    close(handle) {
      handles.delete(handle)
      fs.closeSync(handle)
    },
    read: (handle, buffer, offset, length, position) =>
      fs.readSync(handle, buffer, offset, length, position < 0 ? null : position),
    write: (handle, buffer, offset, length, position) =>
      fs.writeSync(handle, buffer, offset, length, position < 0 ? null : position),
    sync: (handle, dataOnly) => (dataOnly ? fs.fdatasyncSync(handle) : fs.fsyncSync(handle)),
    syncLater: (handle, dataOnly) =>
      new Promise((resolve, reject) => {
        const sync = dataOnly ? fs.fdatasync : fs.fsync
        sync(handle, error => (error === null ? resolve() : reject(error)))
      }),
    truncate: (handle, size) => fs.ftruncateSync(handle, size),
    stat: (path, followLinks) => status(followLinks ? fs.statSync(path) : fs.lstatSync(path)),
    fstat: handle => status(fs.fstatSync(handle)),
    list: path =>
      fs
        .readdirSync(path, { withFileTypes: true })
        .map(entry => ({ name: entry.name, type: entryType(entry) })),
    mkdir: (path, mode) => {
      fs.mkdirSync(path, mode)
    },
    rmdir: path => fs.rmdirSync(path),
    unlink: path => fs.unlinkSync(path),
    rename: (from, to) => fs.renameSync(from, to),
    copy: (from, to) => fs.copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
    link: (from, to) => fs.linkSync(from, to),
    symlink: (target, path) => fs.symlinkSync(target, path),
    readlink(path) {
      // To resolve a path, C asks this of each folder in it, and an error of Node's takes ten times as long as the question.
      if (!fs.lstatSync(path).isSymbolicLink()) throw NOT_A_LINK
      return fs.readlinkSync(path)
    },
    chmod: (path, mode) => fs.chmodSync(path, mode),
    chown: (path, owner, group) => fs.chownSync(path, owner, group),
    utimes: (path, accessed, modified) => fs.utimesSync(path, accessed / 1000, modified / 1000),
    closeAll() {
      for (const handle of handles) fs.closeSync(handle)
      handles.clear()
    },
  }
}
