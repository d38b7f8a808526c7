/** The tables that hold a cluster's files: their definitions, and the tree that is read from them. */
import type { EntryType } from '../../wasm/machine/host/file-layer.js'
import { makeNode, type Node } from '../../wasm/machine/volume/node.js'
import type { Kept } from '../../wasm/machine/volume/store.js'
import type { ObjectSql } from './object-storage.js'

/** The definitions by the tables' names. The root directory has inode 1. */
export const TABLES: Readonly<Record<string, string>> = {
  postgres_file: `CREATE TABLE postgres_file (inode INTEGER PRIMARY KEY, change INTEGER, type TEXT, mode INTEGER, size INTEGER, target TEXT, modified REAL)`,
  postgres_name: `CREATE TABLE postgres_name (directory INTEGER, name TEXT, inode INTEGER, PRIMARY KEY (directory, name)) WITHOUT ROWID`,
  // See pages.ts.
  postgres_page: `CREATE TABLE postgres_page (id INTEGER PRIMARY KEY, change INTEGER, bytes BLOB)`,
  // See changes.ts.
  postgres_change: `CREATE TABLE postgres_change (id INTEGER PRIMARY KEY, change INTEGER)`,
}

/** This table exists while a backup is read; see snapshot.ts. */
export const BACKUP = 'postgres_backup'
export const BACKUP_TABLE = `CREATE TABLE ${BACKUP} (id INTEGER PRIMARY KEY, bytes BLOB)`

export const ROOT = 1
const ROOT_MODE = 0o700

/** Makes the tables, which must not exist, and an empty root directory. */
export function createTables(sql: ObjectSql): void {
  for (const definition of Object.values(TABLES)) sql.exec(definition)
  const now = Date.now()
  sql.exec("insert into postgres_file values (?, 0, 'directory', ?, 0, '', ?)", ROOT, ROOT_MODE, now)
}

/**
 * Reads the tree of a storage's files, and the files without a name: a process had those open when the last server was killed.
 *
 * @throws Error that says what is wrong if the rows make no tree
 */
export function keptFiles(sql: ObjectSql): { kept: Kept; nameless: Node[] } {
  const nodes = new Map<number, Node>()
  let lastInode = ROOT
  for (const { inode, type, mode, size, target, modified } of sql.exec('select * from postgres_file')) {
    const node = makeNode(inode as number, type as EntryType, mode as number, target as string)
    Object.assign(node, { size, modified, accessed: modified })
    nodes.set(node.inode, node)
    lastInode = Math.max(lastInode, node.inode)
  }
  const root = nodes.get(ROOT)
  if (root?.type !== 'directory') throw new Error('there is no root directory')
  for (const { directory, name, inode } of sql.exec('select * from postgres_name')) {
    const parent = nodes.get(directory as number)
    const node = nodes.get(inode as number)
    if (parent?.type !== 'directory' || node === undefined)
      throw new Error(`"${name}" is the name of no file, or in no directory`)
    parent.entries.set(name as string, node)
    node.links++
  }
  const nameless = [...nodes.values()].filter(node => node.links === 0 && node !== root)
  return { kept: { root, lastInode }, nameless }
}
