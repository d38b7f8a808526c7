/**
 * Files in a few files of the browser that are read and written synchronously: one has all pages, each in a slot, and a log says which
 * page is where (inodes.ts, log.ts). PostgreSQL's pages are written in place, as in a file system. So are half pages in a crash, which
 * PostgreSQL repairs from its WAL (full_page_writes).
 *
 * sync() makes the pages durable, and after them the log. So the log never leads to a page that was not written, and a commit in WAL that
 * was allocated before costs one flush. Changes of sizes and names that were not synced are lost in a crash, in the order in which they
 * were made, as PostgreSQL expects of a file system. A slot is used again only when the durable log says that it is free.
 */
import type { Node } from '../../wasm/machine/volume/node.js'
import type { Kept, Store } from '../../wasm/machine/volume/store.js'
import { anotherBackup } from './browser-volume.js'
import { type Extent, extentsOf, readExtents } from './extents.js'
import { FrozenPages } from './frozen-pages.js'
import { type Change, emptyVolume, Inodes, NOWHERE, PAGE } from './inodes.js'
import { Log } from './log.js'
import { Slots } from './slots.js'
import { readAll, type SyncFile, translated, writeAll } from './sync-file.js'

/** When so many slots wait for the log, the store writes the log by itself. */
const MOST_RELEASED = 1024

/** The files of the browser that have a volume. */
export interface VolumeFiles {
  readonly pages: SyncFile
  readonly log: readonly [SyncFile, SyncFile]
}

export class PageStore implements Store {
  readonly #pages: SyncFile
  readonly #log: Log
  readonly #inodes = new Inodes()
  #slots = new Slots([])
  /** Changes that the log does not have yet. */
  #pending: Change[] = []
  #pagesWritten = false
  /** Whether there is a log: a new volume has none before finish(). */
  #logged: boolean
  /** Changes that undo what atomically() has done so far, the last first; undefined outside of it. */
  #undoing: Change[] | undefined
  #taken: number[] = []
  /** Pages that have to stay where they are, while a backup reads them. */
  #frozen: FrozenPages | undefined

  /** @throws Error that says what is wrong if the files cannot be understood */
  constructor({ pages, log }: VolumeFiles) {
    this.#pages = pages
    this.#log = new Log(log)
    const changes = this.#log.read()
    this.#logged = changes !== undefined
    for (const change of changes ?? emptyVolume()) this.#inodes.apply(change)
    this.#slots = new Slots(this.#usedSlots())
  }

  *#usedSlots(): Generator<number> {
    for (const change of this.#inodes.changes()) {
      if (change[0] !== 'pages') continue
      const [, , , slot, count] = change
      for (let i = 0; i < count; i++) yield slot + i
    }
  }

  /** Whether the files have a volume; if not, this one is lost unless finish() is called. */
  get exists(): boolean {
    return this.#logged
  }

  /** @throws Error that says what is wrong if the files make no tree */
  tree(): { kept: Kept; nameless: Node[] } {
    return this.#inodes.tree()
  }

  /** Keeps a new volume: from now on the files have it as a whole. @throws FileError */
  finish(): void {
    translated(() => this.#pages.flush())
    this.#log.begin([...this.#inodes.changes()])
    this.#logged = true
    this.#settle()
  }

  atomically(changes: () => void): void {
    if (this.#undoing !== undefined) {
      changes()
      return
    }
    if (this.#slots.released > MOST_RELEASED) this.sync()
    const before = { pending: this.#pending.length, released: this.#slots.released }
    const left = this.#frozen?.left.length ?? 0
    this.#undoing = []
    try {
      changes()
    } catch (error) {
      for (const change of this.#undoing) this.#inodes.apply(change)
      this.#pending.length = before.pending
      this.#slots.keepReleased(before.released)
      if (this.#frozen !== undefined) this.#frozen.left.length = left
      for (const slot of this.#taken) this.#slots.giveBack(slot)
      throw error
    } finally {
      this.#undoing = undefined
      this.#taken = []
    }
  }

  read({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    readExtents(this.#pages, this.#extents(inode, position, length), buffer, offset)
  }

  write({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.atomically(() => {
      this.#leaveFrozen(inode, position, length)
      this.#allocate(inode, position, length)
      let done = 0
      for (const { at, length: count } of this.#extents(inode, position, length)) {
        this.#put(buffer.subarray(offset + done, offset + done + count), at!)
        done += count
      }
    })
  }

  resize({ inode, size: former }: Node, size: number): void {
    this.atomically(() => {
      const kept = Math.ceil(size / PAGE)
      this.#release(this.#inodes.slotsFrom(inode, kept))
      this.#change(['size', inode, size])
      const slot = size < former && size % PAGE !== 0 ? this.#inodes.slot(inode, kept - 1) : NOWHERE
      // What was cut off must be zeros when the file grows again, and must not be lost if this change is.
      if (slot !== NOWHERE) this.#move(inode, kept - 1, slot, page => page.fill(0, size % PAGE))
    })
  }

  put(node: Node, content: Uint8Array): void {
    if (content.length > 0) this.write(node, content, 0, content.length, 0)
  }

  copy(from: Node, to: Node): void {
    const chunk = new Uint8Array(128 * PAGE)
    this.atomically(() => {
      for (let position = 0; position < from.size; position += chunk.length) {
        const length = Math.min(chunk.length, from.size - position)
        this.read(from, chunk, 0, length, position)
        this.write(to, chunk, 0, length, position)
      }
    })
  }

  save({ inode, type, mode, size, target, modified }: Node): void {
    this.#change(['save', inode, type, mode, size, target, modified])
  }

  addName(directory: Node, name: string, { inode }: Node): void {
    this.#change(['name', directory.inode, name, inode])
  }

  removeName(directory: Node, name: string): void {
    this.#change(['unname', directory.inode, name])
  }

  free({ inode }: Node): void {
    this.#release(this.#inodes.slotsFrom(inode, 0))
    this.#change(['free', inode])
  }

  /**
   * Returns the contents of all files as they are now, and a function to be called when they have been read.
   *
   * @throws Error when others are being read already
   */
  snapshot(): { store: Store; end(): void } {
    if (this.#frozen !== undefined) throw anotherBackup()
    const frozen = new FrozenPages(this.#pages, this.#inodes.copyOfSlots())
    this.#frozen = frozen
    const end = () => {
      if (this.#frozen !== frozen) return
      this.#frozen = undefined
      this.#release(frozen.left)
    }
    return { store: frozen, end }
  }

  sync(): void {
    if (!this.#logged || this.#undoing !== undefined) return
    if (this.#pagesWritten) translated(() => this.#pages.flush())
    this.#pagesWritten = false
    if (this.#pending.length === 0) return
    if (!this.#log.long || !this.#beginLog()) this.#log.append(this.#pending)
    this.#settle()
  }

  /** Begins another file of the log. Returns whether there is room for it. */
  #beginLog(): boolean {
    try {
      this.#log.begin([...this.#inodes.changes()])
      return true
    } catch {
      return false
    }
  }

  #settle(): void {
    this.#pending = []
    this.#slots.logged()
  }

  #change(change: Change): void {
    const undoing = this.#inodes.apply(change)
    this.#undoing?.unshift(...undoing)
    this.#pending.push(change)
  }

  #put(bytes: Uint8Array, at: number): void {
    this.#pagesWritten = true
    writeAll(this.#pages, bytes, at)
  }

  /** To be called when pages have left these slots. */
  #release(slots: readonly number[]): void {
    const frozen = this.#frozen
    if (frozen === undefined) this.#slots.release(slots)
    else
      for (const slot of slots)
        if (frozen.has(slot)) frozen.left.push(slot)
        else this.#slots.release([slot])
  }

  /** Gives other slots to the pages of these bytes that have to stay where they are. */
  #leaveFrozen(inode: number, position: number, length: number): void {
    if (this.#frozen === undefined) return
    const last = Math.floor((position + length - 1) / PAGE)
    for (let page = Math.floor(position / PAGE); page <= last; page++) {
      const slot = this.#inodes.slot(inode, page)
      if (this.#frozen.has(slot)) this.#move(inode, page, slot, () => {})
    }
  }

  #take(): number {
    const slot = this.#slots.take()
    this.#taken.push(slot)
    return slot
  }

  /** Gives slots to the pages of these bytes that are nowhere. */
  #allocate(inode: number, position: number, length: number): void {
    const first = Math.floor(position / PAGE)
    const last = Math.floor((position + length - 1) / PAGE)
    for (let page = first; page <= last; ) {
      if (this.#inodes.slot(inode, page) !== NOWHERE) {
        page++
        continue
      }
      const slot = this.#take()
      let count = 1
      for (; page + count <= last && this.#inodes.slot(inode, page + count) === NOWHERE; count++) {
        const next = this.#take()
        if (next === slot + count) continue
        this.#taken.pop()
        this.#slots.giveBack(next)
        break
      }
      // A page that is written in part is full of zeros otherwise.
      for (let i = 0; i < count; i++) {
        const start = (page + i) * PAGE
        if (start < position || start + PAGE > position + length) this.#put(ZEROS, (slot + i) * PAGE)
      }
      this.#change(['pages', inode, page, slot, count])
      page += count
    }
  }

  /** Puts a changed copy of a page into another slot. */
  #move(inode: number, page: number, slot: number, change: (bytes: Uint8Array) => void): void {
    const bytes = new Uint8Array(PAGE)
    readAll(this.#pages, bytes, slot * PAGE)
    change(bytes)
    const next = this.#take()
    this.#put(bytes, next * PAGE)
    this.#release([slot])
    this.#change(['pages', inode, page, next, 1])
  }

  #extents(inode: number, position: number, length: number): Iterable<Extent> {
    return extentsOf(page => this.#inodes.slot(inode, page), position, length)
  }
}

const ZEROS = new Uint8Array(PAGE)
