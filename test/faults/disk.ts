/**
 * What may lie on a disk after a power failure, made from a record of all that was done to files (preloaded/recorder.ts).
 *
 * What was written is in the system's cache, and reaches the disk in any order, or not: of each write since the last sync of its
 * file, each sector may be there or not, on its own. Names are changed in a journal, as in ext4, XFS or btrfs: after a failure
 * they are as they were at some moment, not earlier than the last sync of anything that had been done by then. A sync
 * vouches for what was done before it began.
 */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** What a disk writes as a whole, in bytes. */
const SECTOR = 512

const O_CREAT = 0o100
const O_TRUNC = 0o1000
const O_DSYNC = 0o10000

export interface Event {
  readonly call: string
  readonly path?: string
  readonly flags?: number
  readonly fd?: number
  readonly at?: number
  readonly size?: number
  readonly from?: string
  readonly to?: string
  readonly target?: string
  readonly id?: string
  readonly client?: number
  readonly seq?: number
}

export interface Entry {
  readonly event: Event
  readonly bytes: Buffer
}

export function readRecord(file: string): Entry[] {
  const all = readFileSync(file)
  const entries: Entry[] = []
  for (let at = 0; at + 8 <= all.length; ) {
    const head = at + 8 + all.readUInt32LE(at)
    const end = head + all.readUInt32LE(at + 4)
    // The last one of a server that was killed.
    if (end > all.length) break
    entries.push({ event: JSON.parse(all.toString('utf8', at + 8, head)), bytes: all.subarray(head, end) })
    at = end
  }
  return entries
}

/** A file, whatever its names are. */
class Content {
  /** What is on the disk for sure. */
  durable: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  /** What was done since, in order: bytes written somewhere, or a new size. */
  pending: ({ at: number; bytes: Buffer } | { size: number })[] = []
  /** How many changes have become durable. */
  settled = 0

  constructor(
    /** Where its bytes lay before anything was recorded; read when they are needed. */
    public original?: string,
    readonly target?: string,
  ) {}

  apply(change: Content['pending'][number], keep: (sector: number) => boolean = () => true): void {
    this.load()
    if ('size' in change) {
      this.#resize(change.size)
      return
    }
    const { at, bytes } = change
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + SECTOR - ((at + from) % SECTOR))
      if (keep(Math.floor((at + from) / SECTOR))) {
        if (at + to > this.durable.length) this.#resize(at + to)
        bytes.copy(this.durable, at + from, from, to)
      }
      from = to
    }
  }

  load(): void {
    if (this.original === undefined) return
    this.durable = readFileSync(this.original)
    this.original = undefined
  }

  #resize(size: number): void {
    const resized = Buffer.alloc(size)
    this.durable.copy(resized, 0, 0, Math.min(size, this.durable.length))
    this.durable = resized
  }
}

/** What a sync vouches for: so many changes of a file since the beginning, and so many of names. */
interface Sync {
  readonly content: Content | undefined
  readonly changes: number
  readonly journal: number
}

type Names = Map<string, Content | 'directory'>
type Rename = (names: Names) => void

export class Disk {
  /** Names as they are on the disk for sure, and what was done to them since. */
  readonly #durable: Names = new Map()
  #journal: Rename[] = []
  /** Names as the server sees them. */
  readonly #now: Names = new Map()
  readonly #open = new Map<number, { content: Content | 'directory'; sync: boolean }>()
  readonly #syncs = new Map<string, Sync>()
  /** How many changes of names have become durable. */
  #settled = 0

  /** @param snapshot what lay in the directory before, all of it durable */
  constructor(
    readonly root: string,
    readonly snapshot: string,
  ) {
    for (const name of readdirSync(snapshot, { recursive: true, encoding: 'utf8' })) {
      const stats = statSync(join(snapshot, name))
      if (!stats.isFile() && !stats.isDirectory()) continue
      const what = stats.isDirectory() ? 'directory' : new Content(join(snapshot, name))
      this.#durable.set(join(root, name), what)
      this.#now.set(join(root, name), what)
    }
  }

  /** Goes one step on. */
  do({ event, bytes }: Entry): void {
    const { call, fd = -1, id = '' } = event
    const open = this.#open.get(fd)
    const content = open?.content
    if (call === 'open') this.#openFile(event)
    else if (call === 'close') this.#open.delete(fd)
    else if (call === 'write' && content instanceof Content) {
      content.pending.push({ at: event.at!, bytes })
      if (open!.sync) this.#settle(this.#soFar(content))
    } else if (call === 'truncate' && content instanceof Content) content.pending.push({ size: event.size! })
    else if (call === 'sync-begun' && content !== undefined) this.#syncs.set(id, this.#soFar(content))
    else if (call === 'sync-done') {
      const sync = this.#syncs.get(id)
      this.#syncs.delete(id)
      if (sync !== undefined) this.#settle(sync)
    } else this.#changeNames(event)
  }

  #openFile({ path = '', flags = 0, fd = -1 }: Event): void {
    this.#open.delete(fd)
    if (!path.startsWith(`${this.root}/`) && path !== this.root) return
    let content: Content | 'directory' | undefined = path === this.root ? 'directory' : this.#now.get(path)
    if (content === undefined && flags & O_CREAT) {
      const made = new Content()
      content = made
      this.#change(names => names.set(path, made))
    } else if (content instanceof Content && flags & O_TRUNC) content.pending.push({ size: 0 })
    if (content !== undefined) this.#open.set(fd, { content, sync: (flags & O_DSYNC) !== 0 })
  }

  #changeNames({ call, path = '', from = '', to = '', target }: Event): void {
    if (call === 'mkdir') this.#change(names => names.set(path, 'directory'))
    else if (call === 'unlink' || call === 'rmdir') this.#change(names => names.delete(path))
    else if (call === 'remove')
      this.#change(names => {
        for (const name of [...names.keys()])
          if (name === path || name.startsWith(`${path}/`)) names.delete(name)
      })
    else if (call === 'symlink') {
      const link = new Content(undefined, target)
      this.#change(names => names.set(path, link))
    } else if (call === 'link')
      this.#change(names => {
        const content = names.get(from)
        if (content !== undefined) names.set(to, content)
      })
    else if (call === 'rename')
      this.#change(names => {
        for (const [name, content] of [...names])
          if (name === from || name.startsWith(`${from}/`)) {
            names.delete(name)
            names.set(to + name.slice(from.length), content)
          }
      })
  }

  #change(rename: Rename): void {
    rename(this.#now)
    this.#journal.push(rename)
  }

  /** The number of changes of a file and of names until now. */
  #soFar(content: Content | 'directory'): Sync {
    const journal = this.#settled + this.#journal.length
    if (content === 'directory') return { content: undefined, changes: 0, journal }
    return { content, changes: content.settled + content.pending.length, journal }
  }

  /** That much is on the disk; some of it may have been before, by another sync that ended earlier. */
  #settle({ content, changes, journal }: Sync): void {
    if (content !== undefined) {
      const settled = content.pending.splice(0, Math.max(0, changes - content.settled))
      for (const change of settled) content.apply(change)
      content.settled += settled.length
    }
    const names = this.#journal.splice(0, Math.max(0, journal - this.#settled))
    for (const rename of names) rename(this.#durable)
    this.#settled += names.length
  }

  /**
   * Writes what is left if the power fails now into an empty directory.
   *
   * @param random decides what of the cache has reached the disk; see `share`
   * @param share of the sectors in the cache that have reached the disk, 0 to 1
   */
  write(directory: string, random: () => number, share: number): void {
    const names: Names = new Map(this.#durable)
    const kept = Math.floor(random() * (this.#journal.length + 1))
    for (const rename of this.#journal.slice(0, share === 0 ? 0 : share === 1 ? undefined : kept))
      rename(names)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const [name, content] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const path = join(directory, name.slice(this.root.length + 1))
      if (content === 'directory') {
        mkdirSync(path, { recursive: true, mode: 0o700 })
        continue
      }
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      if (content.target !== undefined) symlinkSync(content.target, path)
      else if (content.original !== undefined && content.pending.length === 0)
        copyFileSync(content.original, path)
      else writeFileSync(path, leftOf(content, random, share), { mode: 0o600 })
    }
  }
}

/** The contents of a file after the failure: all that is durable, and of the rest each sector by chance. */
function leftOf(content: Content, random: () => number, share: number): Buffer {
  content.load()
  const left = new Content()
  left.durable = Buffer.from(content.durable)
  for (const change of content.pending)
    if ('size' in change ? random() < share : true) left.apply(change, () => random() < share)
  return left.durable
}
