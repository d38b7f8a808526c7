/**
 * The files of a storage as they were at one moment. A backup reads them once, while the server goes on changing them. Before the server
 * changes a page that the backup has not read yet, the snapshot copies the page to a table of its own; and a removed file stays until the
 * backup has read it. So taking a snapshot copies nothing, and afterwards it copies only the pages that change.
 *
 * After a crash the storage would have the same files, so PostgreSQL can start on them: see object-store.ts.
 */
import type { Node } from '../../wasm/machine/volume/node.js'
import { ReadOnlyStore } from '../../wasm/machine/volume/read-only-store.js'
import type { Kept } from '../../wasm/machine/volume/store.js'
import type { ObjectSql } from './object-storage.js'
import { idOf, MOST_PAGES, PAGE, pagesOf, putPage } from './page-numbers.js'
import { BACKUP, BACKUP_TABLE } from './tables.js'
import type { Leaning } from './template.js'

const DROP = `drop table if exists ${BACKUP}`
/** For a page without a row, the snapshot keeps a row with null: the page is the template's, or of zeros. */
const KEEP = `insert or ignore into ${BACKUP} values (?1, (select bytes from postgres_page where id = ?1))`
const KEEP_SEVERAL = `insert or ignore into ${BACKUP} select id, bytes from postgres_page where id between ? and ?`
const READ_KEPT = `select id, bytes from ${BACKUP} where id between ? and ?`
const READ = 'select id, bytes from postgres_page where id between ? and ?'
const FORGET = `delete from ${BACKUP} where id between ? and ?`

/** The pages of a file that the backup has not read yet. */
interface Unread {
  next: number
  readonly end: number
}

export class Snapshot extends ReadOnlyStore {
  readonly tree: Kept
  readonly #sql: ObjectSql
  readonly #unread = new Map<number, Unread>()
  /** Files that the server has removed, and that the snapshot frees when the backup has read them. */
  readonly #removed = new Set<number>()
  readonly #free: (inode: number) => void
  readonly #onEnd: () => void
  readonly #leaning: Leaning | undefined
  #failure: Error | undefined
  #ended = false

  /**
   * @param tree the volume's files and directories at this moment
   * @param free frees a file that the server has removed meanwhile
   * @param onEnd called once, when the snapshot needs to keep nothing any more
   * @param leaning which pages are the template's
   */
  constructor(
    sql: ObjectSql,
    tree: Kept,
    free: (inode: number) => void,
    onEnd: () => void,
    leaning: Leaning | undefined,
  ) {
    super()
    this.tree = tree
    this.#sql = sql
    this.#free = free
    this.#onEnd = onEnd
    this.#leaning = leaning?.copy()
    for (const { inode, size } of filesIn(tree.root)) this.#unread.set(inode, { next: 0, end: pagesOf(size) })
    sql.exec(DROP)
    sql.exec(BACKUP_TABLE)
  }

  /** To be called before the pages `first` to `last` of a file change or go. */
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
      // The backup fails, so that sessions can go on.
      this.fail(new Error('the storage has no room for what changes during the backup', { cause: error }))
    }
  }

  /** To be called when the server removes a file. Returns whether the file has to stay for now. */
  keepFile(inode: number): boolean {
    if (!this.#unread.has(inode)) return false
    this.#removed.add(inode)
    return true
  }

  /** Ends the snapshot early: reading fails from now on. */
  fail(error: Error): void {
    if (this.#ended) return
    this.#failure ??= error
    this.end()
  }

  /** @throws Error if the snapshot has failed */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** To be called when the backup has ended. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#unread.clear()
    this.#onEnd()
    try {
      for (const inode of this.#removed) this.#free(inode)
      this.#sql.exec(DROP)
    } catch {
      // Either the storage has lost the tables, or the next server on it drops this one.
    }
  }

  override read(
    { inode, size }: Node,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    this.check()
    const end = position + length
    const first = Math.floor(position / PAGE)
    const last = Math.floor((end - 1) / PAGE)
    buffer.fill(0, offset, offset + length)
    const ids = [idOf(inode, first), idOf(inode, last)] as const
    const pages = new Map<number, unknown>()
    for (const { id, bytes } of this.#sql.exec(READ, ...ids)) pages.set(id as number, bytes)
    for (const { id, bytes } of this.#sql.exec(READ_KEPT, ...ids)) pages.set(id as number, bytes)
    for (let number = first; number <= last; number++) {
      const row = pages.get(idOf(inode, number)) as ArrayBuffer | null | undefined
      const bytes = row ? new Uint8Array(row) : this.#leaning?.page(inode, number)
      if (bytes !== undefined) putPage(bytes, number * PAGE, buffer, offset, position, end)
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
}

/** Yields each file with contents once. */
function filesIn(root: Node, found = new Set<Node>()): Set<Node> {
  for (const node of root.entries.values())
    if (node.type === 'directory') filesIn(node, found)
    else if (node.size > 0) found.add(node)
  return found
}
