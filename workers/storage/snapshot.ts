/**
 * The files of a storage as they were at one moment, to be read once while they go on being changed. A page that is about to change is
 * copied to a table of its own, unless it was read already, and a file that is removed stays until it was read. So the moment costs nothing,
 * and what is copied is what changes meanwhile.
 *
 * What a storage has at any moment is what it would have after a crash, so PostgreSQL can start on it: see object-store.ts.
 */
import { FileError, type Node } from '../../wasm/machine/volume/node.js'
import type { Kept, Store } from '../../wasm/machine/volume/store.js'
import type { ObjectSql } from './object-storage.js'
import { idOf, MOST_PAGES, PAGE, pagesOf, putPage } from './page-numbers.js'
import { BACKUP, BACKUP_TABLE } from './tables.js'

const DROP = `drop table if exists ${BACKUP}`
/** A page that has no row is kept as one without bytes. */
const KEEP = `insert or ignore into ${BACKUP} values (?1, (select bytes from postgres_page where id = ?1))`
const KEEP_SEVERAL = `insert or ignore into ${BACKUP} select id, bytes from postgres_page where id between ? and ?`
const READ_KEPT = `select id, bytes from ${BACKUP} where id between ? and ?`
const READ = 'select id, bytes from postgres_page where id between ? and ?'
const FORGET = `delete from ${BACKUP} where id between ? and ?`

/** Of a file, the pages that are yet to be read. */
interface Unread {
  next: number
  readonly end: number
}

export class Snapshot implements Store {
  readonly tree: Kept
  readonly #sql: ObjectSql
  readonly #unread = new Map<number, Unread>()
  /** Files that were removed, and are freed when they have been read. */
  readonly #removed = new Set<number>()
  readonly #free: (inode: number) => void
  readonly #onEnd: () => void
  #failure: Error | undefined
  #ended = false

  /**
   * @param tree of the volume at this moment
   * @param free frees a file that was removed meanwhile
   * @param onEnd called once, when nothing has to be kept any more
   */
  constructor(sql: ObjectSql, tree: Kept, free: (inode: number) => void, onEnd: () => void) {
    this.tree = tree
    this.#sql = sql
    this.#free = free
    this.#onEnd = onEnd
    for (const { inode, size } of filesIn(tree.root)) this.#unread.set(inode, { next: 0, end: pagesOf(size) })
    sql.exec(DROP)
    sql.exec(BACKUP_TABLE)
  }

  /** To be called before a page changes, or the pages of a file from one number to another go. */
  keep(inode: number, first: number, last = first): void {
    const unread = this.#unread.get(inode)
    if (unread === undefined) return
    const from = Math.max(first, unread.next)
    const to = Math.min(last, unread.end - 1)
    if (from > to) return
    try {
      if (from === to) this.#sql.exec(KEEP, idOf(inode, from))
      else this.#sql.exec(KEEP_SEVERAL, idOf(inode, from), idOf(inode, to))
    } catch (error) {
      // Sessions go on; the backup does not.
      this.fail(new Error('the storage has no room for what changes during the backup', { cause: error }))
    }
  }

  /** A file is removed. Returns whether it has to stay for now. */
  keepFile(inode: number): boolean {
    if (!this.#unread.has(inode)) return false
    this.#removed.add(inode)
    return true
  }

  /** Ends it before all was read: reading fails from now on. */
  fail(error: Error): void {
    if (this.#ended) return
    this.#failure ??= error
    this.end()
  }

  /** @throws Error if it has failed */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Nobody reads any more. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#unread.clear()
    this.#onEnd()
    try {
      for (const inode of this.#removed) this.#free(inode)
      this.#sql.exec(DROP)
    } catch {
      // The storage is not ours any more, or the next server on it does this.
    }
  }

  read({ inode, size }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.check()
    const end = position + length
    const first = Math.floor(position / PAGE)
    const last = Math.floor((end - 1) / PAGE)
    buffer.fill(0, offset, offset + length)
    const ids = [idOf(inode, first), idOf(inode, last)] as const
    const pages = new Map<number, unknown>()
    for (const { id, bytes } of this.#sql.exec(READ, ...ids)) pages.set(id as number, bytes)
    for (const { id, bytes } of this.#sql.exec(READ_KEPT, ...ids)) pages.set(id as number, bytes)
    for (const [id, bytes] of pages) {
      if (bytes === null) continue
      const start = (id % MOST_PAGES) * PAGE
      putPage(new Uint8Array(bytes as ArrayBuffer), start, buffer, offset, position, end)
    }
    const unread = this.#unread.get(inode)
    if (unread === undefined) return
    unread.next = Math.floor(end / PAGE)
    if (end >= size) this.#done(inode)
  }

  #done(inode: number): void {
    this.#unread.delete(inode)
    this.#sql.exec(FORGET, idOf(inode, 0), idOf(inode, MOST_PAGES - 1))
    if (this.#removed.delete(inode)) this.#free(inode)
  }

  atomically(): void {
    throw unchangeable()
  }
  write(): void {
    throw unchangeable()
  }
  resize(): void {
    throw unchangeable()
  }
  put(): void {
    throw unchangeable()
  }
  copy(): void {
    throw unchangeable()
  }
  save(): void {
    throw unchangeable()
  }
  addName(): void {
    throw unchangeable()
  }
  removeName(): void {
    throw unchangeable()
  }
  free(): void {
    throw unchangeable()
  }
  sync(): void {}
}

const unchangeable = () => new FileError('EROFS', 'a snapshot')

/** Files with contents, each once. */
function filesIn(root: Node, found = new Set<Node>()): Set<Node> {
  for (const node of root.entries.values())
    if (node.type === 'directory') filesIn(node, found)
    else if (node.size > 0) found.add(node)
  return found
}
