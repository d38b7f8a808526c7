/** The file functions of c/host-imports.h. Only this file decodes their addresses and flags. */
import {
  DT_DIR,
  DT_LNK,
  DT_REG,
  DT_UNKNOWN,
  errno,
  type HostImports,
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DSYNC,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  offsetof,
  STDERR_FILENO,
  STDIN_FILENO,
  sizeof,
} from '../abi.js'
import type { LinearMemory } from '../memory.js'
import { errnoOf } from './errno.js'
import type { EntryType, FileLayer, FileStatus, OpenFlags } from './file-layer.js'

/** C asks by stat for the type of an entry that is DT_UNKNOWN. */
const ENTRY_TYPES: Record<EntryType, number> = {
  ...{ directory: DT_DIR, file: DT_REG, link: DT_LNK, other: DT_UNKNOWN },
}

/** The fields of a FileStatus, and their offsets in `struct host_stat`. */
const STATUS_FIELDS = Object.entries(offsetof.host_stat) as [keyof FileStatus, number][]

const encoder = new TextEncoder()

function decodeFlags(bits: number): OpenFlags {
  const access = bits & O_ACCMODE
  return {
    read: access !== O_WRONLY,
    write: access !== O_RDONLY,
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
  /** Fills the buffer with input. Returns the number of bytes, 0 at the end. Default: there is no input. */
  read?(buffer: Uint8Array): number
  /** Whether a handle is a terminal, also one that was opened by its name. Default: none is. */
  isTerminal?(handle: number): boolean
  /** Sets whether a terminal shows what the user types. */
  echo?(handle: number, on: boolean): void
  /** Called when the process has ended. */
  end?(): void
}

/** The same function, but it returns a negated errno where `call` throws. */
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
  return {
    ...pathImports(memory, layer),
    ...handleImports(memory, layer, streams),
    ...terminalImports(streams),
  }
}

function putStatus(memory: LinearMemory, address: number, status: FileStatus): void {
  const start = address >>> 0
  const view = memory.view(start + sizeof.host_stat)
  for (const [field, offset] of STATUS_FIELDS) view.setFloat64(start + offset, status[field], true)
}

/** Functions that take paths. */
function pathImports(memory: LinearMemory, layer: FileLayer) {
  const one = (path: number, call: (path: string) => void) => {
    call(memory.string(path))
    return 0
  }
  return {
    open: guarded((path, flags, mode) => layer.open(memory.string(path), decodeFlags(flags), mode)),
    stat: guarded((path, follow, result) => {
      putStatus(memory, result, layer.stat(memory.string(path), follow !== 0))
      return 0
    }),
    list: guarded((path, buffer, size) => {
      const text = layer
        .list(memory.string(path))
        .map(({ name, type }) => `${String.fromCharCode(ENTRY_TYPES[type])}${name}\0`)
      const entries = encoder.encode(text.join(''))
      if (entries.length <= size) memory.reach((buffer >>> 0) + size).set(entries, buffer >>> 0)
      return entries.length
    }),
    mkdir: guarded((path, mode) => one(path, name => layer.mkdir(name, mode))),
    rmdir: guarded(path => one(path, name => layer.rmdir(name))),
    unlink: guarded(path => one(path, name => layer.unlink(name))),
    remove_directory: guarded(path => (layer.removeDirectory?.(memory.string(path)) ? 0 : -errno.ENOSYS)),
    rename: guarded((from, to) => one(from, name => layer.rename(name, memory.string(to)))),
    copy: guarded((from, to) => one(from, name => layer.copy(name, memory.string(to)))),
    link: guarded((from, to) => one(from, name => layer.link(name, memory.string(to)))),
    symlink: guarded((target, path) => one(path, name => layer.symlink(memory.string(target), name))),
    readlink: guarded((path, buffer, size) => {
      const target = encoder.encode(layer.readlink(memory.string(path)))
      const length = Math.min(target.length, size)
      memory.reach((buffer >>> 0) + length).set(target.subarray(0, length), buffer >>> 0)
      return length
    }),
    chmod: guarded((path, mode) => one(path, name => layer.chmod(name, mode))),
    chown: guarded((path, owner, group) => one(path, name => layer.chown(name, owner, group))),
    utimes: guarded((path, accessed, modified) => one(path, name => layer.utimes(name, accessed, modified))),
  } satisfies Partial<HostImports>
}

/** Functions that take handles, of open files or standard streams. */
function handleImports(memory: LinearMemory, layer: FileLayer, streams: StandardStreams) {
  return {
    close(handle) {
      try {
        layer.close(handle)
        return 0
      } catch (error) {
        return -errnoOf(error)
      }
    },
    read(handle, buffer, length, position) {
      const start = buffer >>> 0
      try {
        if (handle === STDIN_FILENO)
          return streams.read?.(memory.reach(start + length).subarray(start, start + length)) ?? 0
        return layer.read(handle, memory.reach(start + length), start, length, position)
      } catch (error) {
        return -errnoOf(error)
      }
    },
    write(handle, buffer, length, position) {
      const start = buffer >>> 0
      try {
        if (handle > STDERR_FILENO)
          return layer.write(handle, memory.reach(start + length), start, length, position)
        if (handle === STDIN_FILENO) return -errno.EBADF
        streams.write(handle, memory.copy(start, length))
        return length
      } catch (error) {
        return -errnoOf(error)
      }
    },
    sync: guarded((handle, dataOnly) => {
      layer.sync(handle, dataOnly !== 0)
      return 0
    }),
    truncate: guarded((handle, size) => {
      layer.truncate(handle, size)
      return 0
    }),
    fstat: guarded((handle, result) => {
      putStatus(memory, result, layer.fstat(handle))
      return 0
    }),
  } satisfies Partial<HostImports>
}

function terminalImports(streams: StandardStreams) {
  return {
    is_terminal: handle => (streams.isTerminal?.(handle) ? 1 : 0),
    echo: guarded((handle, on) => {
      streams.echo?.(handle, on !== 0)
      return 0
    }),
  } satisfies Partial<HostImports>
}
