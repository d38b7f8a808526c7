/** The file functions of c/host-imports.h: addresses and flags are decoded here and nowhere else. */
import type { LinearMemory } from '../memory.js'
import { errno, errnoOf } from './errno.js'
import type { EntryType, FileLayer, FileStatus, OpenFlags } from './file-layer.js'

/** The C library's O_ bits (Linux's). */
const O_ACCMODE = 0o3
const O_WRONLY = 0o1
const O_CREAT = 0o100
const O_EXCL = 0o200
const O_TRUNC = 0o1000
const O_APPEND = 0o2000
const O_DSYNC = 0o10000
const O_NOFOLLOW = 0o400000

/** Its DT_ values; of what is DT_UNKNOWN the type is asked for by stat. */
const ENTRY_TYPES: Record<EntryType, number> = { directory: 4, file: 8, link: 10, other: 0 }

const STATUS_SIZE = 9 * 8

const encoder = new TextEncoder()

function decodeFlags(bits: number): OpenFlags {
  const access = bits & O_ACCMODE
  return {
    read: access !== O_WRONLY,
    write: access !== 0,
    create: (bits & O_CREAT) !== 0,
    exclusive: (bits & O_EXCL) !== 0,
    truncate: (bits & O_TRUNC) !== 0,
    append: (bits & O_APPEND) !== 0,
    sync: (bits & O_DSYNC) !== 0,
    noFollow: (bits & O_NOFOLLOW) !== 0,
  }
}

/** Where a process' standard streams go; handles 0 to 2 are theirs. */
export interface StandardStreams {
  /** `stream` is 1 for output, 2 for errors. */
  write(stream: number, bytes: Uint8Array): void
  /** Fills the buffer with input; returns how many bytes that are, 0 at the end. Without it there is none. */
  read?(buffer: Uint8Array): number
  /** Whether this is a terminal, also one that was opened by its name. Without it nothing is. */
  isTerminal?(handle: number): boolean
  /** Whether a terminal shows what is typed. */
  echo?(handle: number, on: boolean): void
}

/** A call whose failure is a negated errno. */
function guarded<A extends unknown[]>(call: (...args: A) => number | undefined): (...args: A) => number {
  return (...args) => {
    try {
      return call(...args) ?? 0
    } catch (error) {
      return -errnoOf(error)
    }
  }
}

export function fileImports(memory: LinearMemory, layer: FileLayer, streams: StandardStreams) {
  const putStatus = (address: number, status: FileStatus) => {
    const start = address >>> 0
    const view = memory.view(start + STATUS_SIZE)
    let at = start
    for (const value of [
      ...[status.mode, status.size, status.device, status.inode, status.links, status.blocks],
      ...[status.accessed, status.modified, status.changed],
    ]) {
      view.setFloat64(at, value, true)
      at += 8
    }
  }
  const one = (path: number, call: (path: string) => void) => {
    call(memory.string(path))
    return 0
  }
  return {
    open: guarded((path: number, flags: number, mode: number) =>
      layer.open(memory.string(path), decodeFlags(flags), mode),
    ),
    close(handle: number) {
      try {
        layer.close(handle)
        return 0
      } catch (error) {
        return -errnoOf(error)
      }
    },
    read(handle: number, buffer: number, length: number, position: number) {
      const start = buffer >>> 0
      try {
        if (handle === 0)
          return streams.read?.(memory.reach(start + length).subarray(start, start + length)) ?? 0
        return layer.read(handle, memory.reach(start + length), start, length, position)
      } catch (error) {
        return -errnoOf(error)
      }
    },
    write(handle: number, buffer: number, length: number, position: number) {
      const start = buffer >>> 0
      try {
        if (handle > 2) return layer.write(handle, memory.reach(start + length), start, length, position)
        if (handle === 0) return -errno('EBADF')
        streams.write(handle, memory.copy(start, length))
        return length
      } catch (error) {
        return -errnoOf(error)
      }
    },
    is_terminal: (handle: number) => (streams.isTerminal?.(handle) ? 1 : 0),
    echo: guarded((handle: number, on: number) => {
      streams.echo?.(handle, on !== 0)
      return 0
    }),
    sync: guarded((handle: number, dataOnly: number) => {
      layer.sync(handle, dataOnly !== 0)
      return 0
    }),
    truncate: guarded((handle: number, size: number) => {
      layer.truncate(handle, size)
      return 0
    }),
    stat: guarded((path: number, follow: number, result: number) => {
      putStatus(result, layer.stat(memory.string(path), follow !== 0))
      return 0
    }),
    fstat: guarded((handle: number, result: number) => {
      putStatus(result, layer.fstat(handle))
      return 0
    }),
    list: guarded((path: number, buffer: number, size: number) => {
      const text = layer
        .list(memory.string(path))
        .map(({ name, type }) => `${String.fromCharCode(ENTRY_TYPES[type])}${name}\0`)
      const entries = encoder.encode(text.join(''))
      if (entries.length <= size) memory.reach((buffer >>> 0) + size).set(entries, buffer >>> 0)
      return entries.length
    }),
    mkdir: guarded((path: number, mode: number) => one(path, name => layer.mkdir(name, mode))),
    rmdir: guarded((path: number) => one(path, name => layer.rmdir(name))),
    unlink: guarded((path: number) => one(path, name => layer.unlink(name))),
    rename: guarded((from: number, to: number) => one(from, name => layer.rename(name, memory.string(to)))),
    link: guarded((from: number, to: number) => one(from, name => layer.link(name, memory.string(to)))),
    symlink: guarded((target: number, path: number) =>
      one(path, name => layer.symlink(memory.string(target), name)),
    ),
    readlink: guarded((path: number, buffer: number, size: number) => {
      const target = encoder.encode(layer.readlink(memory.string(path)))
      const length = Math.min(target.length, size)
      memory.reach((buffer >>> 0) + length).set(target.subarray(0, length), buffer >>> 0)
      return length
    }),
    chmod: guarded((path: number, mode: number) => one(path, name => layer.chmod(name, mode))),
    chown: guarded((path: number, owner: number, group: number) =>
      one(path, name => layer.chown(name, owner, group)),
    ),
    utimes: guarded((path: number, accessed: number, modified: number) =>
      one(path, name => layer.utimes(name, accessed, modified)),
    ),
  }
}
