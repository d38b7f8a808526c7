/**
 * Files in the SQLite storage of a Durable Object.
 *
 * What the storage promises, and all of this rests on: what is written without giving way to the event loop is one
 * transaction, and transactions become durable in their order. So after a crash there is everything up to some moment, and
 * nothing of what came later; a page is never half written. So PostgreSQL's own order of writes holds without anybody's
 * waiting. Only a client must not hear of what could still be lost: before it is answered, durable() is waited for.
 */
import type { EntryType } from '../wasm/machine/host/file-layer.js'
import { FileError, type Kept, makeNode, type Node, type Store } from '../wasm/machine/volume/volume.js'

/** What is used of a Durable Object's `ctx.storage`. */
export interface ObjectStorage {
  readonly sql: ObjectSql
  transactionSync<T>(closure: () => T): T
  /** Resolves when all that was written before is durable. */
  sync(): Promise<void>
}

export interface ObjectSql {
  exec(query: string, ...bindings: SqlValue[]): Iterable<SqlRow> & { toArray(): SqlRow[] }
  /** Bytes. */
  readonly databaseSize: number
}

export type SqlValue = ArrayBuffer | Uint8Array | string | number | null
export type SqlRow = Record<string, SqlValue>

/** The tables, by name; the root directory is inode 1. */
export const TABLES: Readonly<Record<string, string>> = {
  postgres_file: `CREATE TABLE postgres_file (inode INTEGER PRIMARY KEY, type TEXT, mode INTEGER, size INTEGER, target TEXT, modified REAL)`,
  postgres_name: `CREATE TABLE postgres_name (directory INTEGER, name TEXT, inode INTEGER, PRIMARY KEY (directory, name)) WITHOUT ROWID`,
  // Bytes that are zero have no rows, or are left off at the end of a row.
  postgres_page: `CREATE TABLE postgres_page (id INTEGER PRIMARY KEY, bytes BLOB)`,
}

/** Bytes: PostgreSQL's own page size, for that is what it writes. */
const PAGE = 8192
/** Of one file. A page's id is the file's inode times this, plus the page's number in the file. */
const MOST_PAGES = 2 ** 24

const SAVE = 'insert or replace into postgres_file values (?, ?, ?, ?, ?, ?)'
const RESIZE = 'update postgres_file set size = ?, modified = ? where inode = ?'
const FREE = 'delete from postgres_file where inode = ?'
const ADD_NAME = 'insert into postgres_name values (?, ?, ?)'
const REMOVE_NAME = 'delete from postgres_name where directory = ? and name = ?'
const READ_PAGE = 'select bytes from postgres_page where id = ?'
const READ_PAGES = 'select id, bytes from postgres_page where id between ? and ?'
const WRITE_PAGE = 'insert or replace into postgres_page values (?, ?)'
const REMOVE_PAGES = 'delete from postgres_page where id between ? and ?'

/** How far a page has anything but zeros, in bytes. */
function usedLength(page: Uint8Array): number {
  const words = new Uint32Array(page.buffer, page.byteOffset, page.length >> 2)
  let length = words.length
  while (length > 0 && words[length - 1] === 0) length--
  return length << 2
}

/** The storage's failure as a process sees it. */
function failure(error: unknown): FileError {
  const text = error instanceof Error ? error.message : String(error)
  const code = /SQLITE_FULL/.test(text) ? 'ENOSPC' : /SQLITE_NOMEM/.test(text) ? 'ENOMEM' : 'EIO'
  return new FileError(code, text)
}

export interface ObjectStore extends Store {
  /** Resolves when all is durable that was written before the last sync(); undefined when it is already. */
  durable(): Promise<void> | undefined
}

export function objectStore(storage: ObjectStorage): ObjectStore {
  const { sql } = storage
  /** Whether anything was written since sync() was called last. */
  let written = false
  /** Whether sync() was called since durable() looked, and what that waits for. */
  let asked = false
  let syncing: Promise<void> | undefined

  function change(query: string, ...bindings: SqlValue[]): void {
    written = true
    try {
      sql.exec(query, ...bindings)
    } catch (error) {
      throw failure(error)
    }
  }

  function rows(query: string, ...bindings: SqlValue[]): SqlRow[] {
    try {
      return sql.exec(query, ...bindings).toArray()
    } catch (error) {
      throw failure(error)
    }
  }

  const idOf = (node: Node, page: number) => node.inode * MOST_PAGES + page

  /** @param page a copy of the page, up to the end of the file or longer */
  function writePage(id: number, page: Uint8Array): void {
    const length = usedLength(page)
    if (length > 0) change(WRITE_PAGE, id, page.subarray(0, length))
    else change(REMOVE_PAGES, id, id)
  }

  function wholePage(id: number): Uint8Array {
    const page = new Uint8Array(PAGE)
    const row = rows(READ_PAGE, id)[0]
    if (row !== undefined) page.set(new Uint8Array(row.bytes as ArrayBuffer))
    return page
  }

  return {
    read(node, buffer, offset, length, position) {
      const end = position + length
      const first = Math.floor(position / PAGE)
      const last = Math.floor((end - 1) / PAGE)
      buffer.fill(0, offset, offset + length)
      const put = (number: number, bytes: Uint8Array) => {
        const start = number * PAGE
        const from = Math.max(0, position - start)
        const to = Math.min(bytes.length, end - start)
        if (from < to) buffer.set(bytes.subarray(from, to), offset + start + from - position)
      }
      if (first === last) {
        for (const { bytes } of rows(READ_PAGE, idOf(node, first)))
          put(first, new Uint8Array(bytes as ArrayBuffer))
      } else {
        for (const { id, bytes } of rows(READ_PAGES, idOf(node, first), idOf(node, last)))
          put((id as number) - idOf(node, 0), new Uint8Array(bytes as ArrayBuffer))
      }
    },
    write(node, buffer, offset, length, position) {
      let done = 0
      while (done < length) {
        const at = position + done
        const number = Math.floor(at / PAGE)
        const within = at - number * PAGE
        const count = Math.min(length - done, PAGE - within)
        const bytes = buffer.subarray(offset + done, offset + done + count)
        if (count === PAGE) writePage(idOf(node, number), bytes.slice())
        else {
          const page = wholePage(idOf(node, number))
          page.set(bytes, within)
          writePage(idOf(node, number), page)
        }
        done += count
      }
    },
    resize(node, size) {
      if (size > MOST_PAGES * PAGE) throw new FileError('EFBIG', `${size} bytes`)
      if (size >= node.size) {
        change(RESIZE, size, Date.now(), node.inode)
        return
      }
      storage.transactionSync(() => {
        const kept = Math.ceil(size / PAGE)
        change(REMOVE_PAGES, idOf(node, kept), idOf(node, MOST_PAGES - 1))
        if (size % PAGE !== 0) {
          const page = wholePage(idOf(node, kept - 1))
          writePage(idOf(node, kept - 1), page.fill(0, size % PAGE))
        }
        change(RESIZE, size, Date.now(), node.inode)
      })
    },
    put(node, content) {
      for (let number = 0; number * PAGE < content.length; number++) {
        const page = new Uint8Array(PAGE)
        page.set(content.subarray(number * PAGE, (number + 1) * PAGE))
        if (usedLength(page) > 0) writePage(idOf(node, number), page)
      }
    },
    save(node) {
      change(SAVE, node.inode, node.type, node.mode, node.size, node.target, node.modified)
    },
    addName(directory, name, node) {
      change(ADD_NAME, directory.inode, name, node.inode)
    },
    removeName(directory, name) {
      change(REMOVE_NAME, directory.inode, name)
    },
    free(node) {
      change(REMOVE_PAGES, idOf(node, 0), idOf(node, MOST_PAGES - 1))
      change(FREE, node.inode)
    },
    sync() {
      asked ||= written
      written = false
    },
    durable() {
      if (asked) {
        asked = false
        const promise = storage.sync().finally(() => {
          if (syncing === promise) syncing = undefined
        })
        syncing = promise
      }
      return syncing
    },
  }
}

/** Makes the tables, which must not be there, and an empty root directory. */
export function createTables(sql: ObjectSql): void {
  for (const definition of Object.values(TABLES)) sql.exec(definition)
  sql.exec(SAVE, 1, 'directory', 0o700, 0, '', Date.now())
}

/**
 * The files that a storage has, and those without a name: a process had them open when the last server ended without
 * notice.
 *
 * @throws Error that says what is wrong if they are not a tree of files
 */
export function keptFiles(sql: ObjectSql): { kept: Kept; nameless: Node[] } {
  const nodes = new Map<number, Node>()
  let lastInode = 1
  for (const { inode, type, mode, size, target, modified } of sql.exec('select * from postgres_file')) {
    const node = makeNode(inode as number, type as EntryType, mode as number, target as string)
    Object.assign(node, { size, modified, accessed: modified })
    nodes.set(node.inode, node)
    lastInode = Math.max(lastInode, node.inode)
  }
  const root = nodes.get(1)
  if (root?.type !== 'directory') throw new Error('there is no root directory')
  for (const { directory, name, inode } of sql.exec('select * from postgres_name')) {
    const parent = nodes.get(directory as number)
    const node = nodes.get(inode as number)
    if (parent?.type !== 'directory' || node === undefined)
      throw new Error(`"${name}" is the name of nothing, or in no directory`)
    parent.entries.set(name as string, node)
    node.links++
  }
  const nameless = [...nodes.values()].filter(node => node.links === 0 && node !== root)
  return { kept: { root, lastInode }, nameless }
}
