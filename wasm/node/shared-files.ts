/**
 * Files of tables and indexes that several databases, or clusters, have in common until one of them changes them: hard links. It is for
 * ephemeral clusters, in file systems whose files cannot share blocks. There a copy of a database costs no more than its file names.
 *
 * The rule is that no process writes to a file that has another name. Before it does, it makes a copy, alone, which gets the file's name
 * in this cluster. Processes that have the file open notice that by a counter, and open the copy. So a handle is no descriptor of the
 * system's here: what it stands for may change.
 */
import type { FileLayer, OpenFlags } from '../machine/host/file-layer.js'
import type { FileGate } from './file-gate.js'
import type { Discard } from './removal.js'

/** A file of a table or index, or of its other forks and segments, in the data directory. PostgreSQL never renames these. */
const RELATION = /^\/(?:base\/\d+|global|pg_tblspc\/\d+\/[^/]+\/\d+)\/\d+(?:_[a-z]+)?(?:\.\d+)?$/

/** The folder of a database. */
const DATABASE = /^\/(?:base|pg_tblspc\/\d+\/[^/]+)\/\d+$/

/** Handles begin here, where the system's descriptors do not reach. */
const FIRST_HANDLE = 1 << 24

/** PostgreSQL and its tools take files whose names begin like this for temporary ones. */
const TEMPORARY = 'pgsql_tmp'
const COPY = `${TEMPORARY}.own`

const CHUNK = 1 << 20

interface OpenFile {
  readonly path: string
  readonly flags: OpenFlags
  /** The gate's word for the path. */
  readonly counter: number
  handle: number
  /** The counter's value when the path last led to `handle`. */
  seen: number
  /** The gate's sharedCount when the file last had no other name. */
  owned: number | undefined
}

/** Whether this is a file that may be shared; the path is one in the data directory, and begins with a slash. */
export function isRelationFile(path: string): boolean {
  return RELATION.test(path)
}

/**
 * @param gated the same files behind the gate
 * @param root the data directory
 * @param discard called with a folder to be removed
 */
export function sharedFiles(
  files: FileLayer,
  gated: FileLayer,
  gate: FileGate,
  root: string,
  discard: Discard,
): FileLayer {
  return new SharedFiles(files, gated, gate, root, discard).layer()
}

class SharedFiles {
  readonly #opened = new Map<number, OpenFile>()
  #next = FIRST_HANDLE

  constructor(
    readonly files: FileLayer,
    readonly gated: FileLayer,
    readonly gate: FileGate,
    readonly root: string,
    readonly discard: Discard,
  ) {}

  layer(): FileLayer {
    const { files } = this
    return {
      ...this.gated,
      open: (path, flags, mode) => this.#open(path, flags, mode),
      close: handle => this.#close(handle),
      read: (handle, buffer, offset, length, position) =>
        this.#look(handle, now => files.read(now, buffer, offset, length, position)),
      write: (handle, buffer, offset, length, position) =>
        this.#change(handle, now => files.write(now, buffer, offset, length, position)),
      truncate: (handle, size) => this.#change(handle, now => files.truncate(now, size), size === 0),
      sync: (handle, dataOnly) =>
        files.sync(
          this.#look(handle, now => now),
          dataOnly,
        ),
      ...(files.syncLater && {
        syncLater: (handle, dataOnly) =>
          files.syncLater!(
            this.#look(handle, now => now),
            dataOnly,
          ),
      }),
      fstat: handle => this.#look(handle, now => files.fstat(now)),
      share: (from, to) => this.gate.change(() => this.#share(from, to)),
      removeDirectory: path => this.#removeDatabase(path),
      closeAll: () => {
        this.#opened.clear()
        files.closeAll()
      },
    }
  }

  #isRelation(path: string): boolean {
    return path.startsWith(this.root) && RELATION.test(path.slice(this.root.length))
  }

  #open(path: string, flags: OpenFlags, mode: number): number {
    if (!this.#isRelation(path)) return this.gated.open(path, flags, mode)
    const counter = this.gate.counterOf(path)
    const handle = this.#next++
    this.gate.change(() => {
      const opened = this.files.open(path, { ...flags, truncate: false }, mode)
      const seen = this.gate.changes(counter)
      const again = { ...flags, create: false, exclusive: false, truncate: false }
      this.#opened.set(handle, { path, flags: again, counter, handle: opened, seen, owned: undefined })
    })
    if (flags.truncate) this.#change(handle, now => this.files.truncate(now, 0), true)
    return handle
  }

  #close(handle: number): void {
    const file = this.#opened.get(handle)
    this.#opened.delete(handle)
    this.files.close(file?.handle ?? handle)
  }

  /** Calls back with what a handle stands for now. Within the gate, because an owner may soon write to what it has stood for. */
  #look<T>(handle: number, look: (now: number) => T): T {
    const file = this.#opened.get(handle)
    return file === undefined ? look(handle) : this.gate.change(() => look(this.#refresh(file)))
  }

  /** Returns what the file's handle stands for now. To be called within the gate. */
  #refresh(file: OpenFile): number {
    const changes = this.gate.changes(file.counter)
    if (changes === file.seen) return file.handle
    file.seen = changes
    file.owned = undefined
    if (this.#hasPath(file) !== false) return file.handle
    const handle = this.files.open(file.path, file.flags, 0)
    this.files.close(file.handle)
    file.handle = handle
    return handle
  }

  /** Whether the path leads to the open file; undefined if it leads to none. */
  #hasPath({ path, handle }: OpenFile): boolean | undefined {
    try {
      const [here, open] = [this.files.stat(path, false), this.files.fstat(handle)]
      return here.inode === open.inode && here.device === open.device
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #change<T>(handle: number, change: (now: number) => T, empties = false): T {
    const file = this.#opened.get(handle)
    if (file === undefined) return this.gate.change(() => change(handle))
    for (;;) {
      let result: T | undefined
      const done = this.gate.change(() => {
        const now = this.#refresh(file)
        if (!this.#isOwned(file)) return false
        result = change(now)
        return true
      })
      if (done) return result as T
      this.gate.alone(() => this.#own(file, empties))
    }
  }

  /** Whether the file has no name but the path, if that has not been removed. To be called within the gate. */
  #isOwned(file: OpenFile): boolean {
    const { sharedCount } = this.gate
    if (file.owned === sharedCount) return true
    if (this.files.fstat(file.handle).links > (this.#hasPath(file) ? 1 : 0)) return false
    file.owned = sharedCount
    return true
  }

  /** Gives the cluster a file of its own in the place of a shared one. */
  #own(file: OpenFile, empty: boolean): void {
    this.#refresh(file)
    if (this.#isOwned(file)) return
    const copy = `${this.root}/${COPY}.${this.gate.seat}`
    try {
      this.files.unlink(copy)
    } catch {
      // A thread that was killed in the middle of this would have left it.
    }
    const handle = this.files.open(copy, NEW, this.files.fstat(file.handle).mode & 0o777)
    try {
      if (!empty) this.#fill(handle, file.handle)
      // Before the rest: if this thread ends in between, others look at the path in vain.
      this.gate.changed(file.counter)
      if (this.#hasPath(file)) this.files.rename(copy, file.path)
      else this.files.unlink(copy)
    } catch (error) {
      this.files.close(handle)
      this.files.unlink(copy)
      throw error
    }
    this.files.close(file.handle)
    file.handle = handle
  }

  #fill(to: number, from: number): void {
    const buffer = new Uint8Array(CHUNK)
    for (let position = 0; ; ) {
      const length = this.files.read(from, buffer, 0, CHUNK, position)
      if (length === 0) return
      for (let written = 0; written < length; )
        written += this.files.write(to, buffer, written, length - written, position + written)
      position += length
    }
  }

  /** For CREATE DATABASE, while no process writes to the files. */
  #share(from: string, to: string): boolean {
    if (!this.#isRelation(from) || !this.#isRelation(to) || !this.#link(from, to)) return false
    this.gate.changed(this.gate.counterOf(from))
    return true
  }

  /** For DROP DATABASE. To remove the files of a database takes longer than all else that it does, so nobody waits for that. */
  #removeDatabase(path: string): boolean {
    if (!path.startsWith(this.root) || !DATABASE.test(path.slice(this.root.length))) return false
    const end = path.lastIndexOf('/') + 1
    const aside = `${path.slice(0, end)}${TEMPORARY}.${path.slice(end)}`
    try {
      this.gated.rename(path, aside)
    } catch {
      return false // PostgreSQL then says what is in the way.
    }
    this.discard(aside)
    return true
  }

  #link(from: string, to: string): boolean {
    try {
      this.files.link(from, to)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
      return false // The file has too many names, or the file system has no links.
    }
  }
}

const NEW: OpenFlags = {
  ...{ read: true, write: true, create: true, exclusive: true, truncate: false },
  ...{ append: false, sync: false, noFollow: true },
}
