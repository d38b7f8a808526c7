/** The tables that hold a cluster's files: their definitions, and the tree that is read from them. */
import type { EntryType } from '../../wasm/machine/host/file-layer.js'
import { makeNode, type Node } from '../../wasm/machine/volume/node.js'
import type { Kept } from '../../wasm/machine/volume/store.js'
import type { ObjectSql } from './object-storage.js'
import { ROOT } from './page-numbers.js'
import type { Template } from './template.js'

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

const ROOT_MODE = 0o700

/** Stands for the type of a file of the template that is not there any more, and for the inode of such a name. */
export const GONE = 'gone'
export const NO_INODE = 0

/** Makes an empty root directory, in tables that have just been made. */
export function makeRoot(sql: ObjectSql): void {
  const now = Date.now()
  sql.exec("insert into postgres_file values (?, 0, 'directory', ?, 0, '', ?)", ROOT, ROOT_MODE, now)
}

/**
 * Reads the tree of a storage's files, and the files without a name: a process had those open when the last server was killed.
 *
 * @param template the template on which they lean, if they do
 * @throws Error that says what is wrong if the rows make no tree
 */
export function keptFiles(
  sql: ObjectSql,
  template?: Template,
): { kept: Kept; nameless: Node[]; inodes: ReadonlySet<number> } {
  const { nodes, lastInode } = keptNodes(sql, template)
  const root = nodes.get(ROOT)
  if (root?.type !== 'directory') throw new Error('there is no root directory')
  for (const { directory, name, inode } of keptNames(sql, template)) {
    const parent = nodes.get(directory)
    const node = nodes.get(inode)
    if (parent?.type !== 'directory' || node === undefined)
      throw new Error(`"${name}" is the name of no file, or in no directory`)
    parent.entries.set(name, node)
    node.links++
  }
  const nameless = [...nodes.values()].filter(node => node.links === 0 && node !== root)
  return { kept: { root, lastInode }, nameless, inodes: new Set(nodes.keys()) }
}

function keptNodes(sql: ObjectSql, template?: Template): { nodes: Map<number, Node>; lastInode: number } {
  const nodes = new Map<number, Node>()
  let lastInode = ROOT
  for (const node of template?.nodes ?? []) {
    nodes.set(node.inode, node.type === 'directory' ? { ...node, entries: new Map() } : { ...node })
    lastInode = Math.max(lastInode, node.inode)
  }
  for (const { inode, type, mode, size, target, modified } of sql.exec('select * from postgres_file')) {
    lastInode = Math.max(lastInode, inode as number)
    if (type === GONE) {
      nodes.delete(inode as number)
      continue
    }
    const node = makeNode(inode as number, type as EntryType, mode as number, target as string)
    nodes.set(node.inode, Object.assign(node, { size, modified, accessed: modified }))
  }
  return { nodes, lastInode }
}

interface Name {
  readonly directory: number
  readonly name: string
  readonly inode: number
}

function keptNames(sql: ObjectSql, template?: Template): Name[] {
  const rows = [...sql.exec('select * from postgres_name')] as unknown as Name[]
  const changed = new Set(rows.map(({ directory, name }) => `${directory}/${name}`))
  const names = rows.filter(({ inode }) => inode !== NO_INODE)
  for (const [directory, entries] of template?.names ?? [])
    for (const [name, inode] of entries)
      if (!changed.has(`${directory}/${name}`)) names.push({ directory, name, inode })
  return names
}
