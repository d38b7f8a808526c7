/**
 * The template on which a cluster leans: its files are those of the template, but for what the storage has. The storage keeps the template
 * itself, compressed, because a later version of this package has another one. As long as the package has the same, which its hash says,
 * nobody reads the storage's.
 */
import { brotliDecompressSync } from 'node:zlib'
import { filesIn, type ServerModule } from '../../embedded/server-module.js'
import { pathInTemplate } from '../../wasm/cluster/files-bin.js'
import { makeNode, type Node } from '../../wasm/machine/volume/node.js'
import type { ObjectSql } from './object-storage.js'
import { idOf, PAGE, pagesOf, ROOT } from './page-numbers.js'

export const TEMPLATE = 'postgres_template'
export const LEANING = 'postgres_leaning'

/** The tables of a cluster that leans on a template, beside those that every cluster has. */
export const TEMPLATE_TABLES: Readonly<Record<string, string>> = {
  [TEMPLATE]: `CREATE TABLE ${TEMPLATE} (part INTEGER PRIMARY KEY, hash TEXT, bytes BLOB)`,
  // How many pages a file shares with a file of the template. A file of the template without a row shares all with itself.
  [LEANING]: `CREATE TABLE ${LEANING} (inode INTEGER PRIMARY KEY, file INTEGER, pages INTEGER)`,
}

/** Bytes in a row of the template: a row must be smaller than 2 MB. */
const PART = 1_000_000

/** What a file shares with a file of the template. */
interface Shared {
  /** The inode of the template's file. */
  readonly file: number
  /** The file's first pages, unless the storage has a row for one of them. */
  readonly pages: number
}

/** A template's files, each with the inode that it has in every cluster that leans on it. */
export interface Template {
  readonly hash: string
  /** All of them, as template.bin has them. */
  readonly files: Uint8Array
  /** The files and directories, without names. */
  readonly nodes: readonly Node[]
  /** By directory, the inodes by their names. */
  readonly names: ReadonlyMap<number, ReadonlyMap<string, number>>
  /** The contents of files, by inode. */
  readonly contents: ReadonlyMap<number, Uint8Array>
}

const MODE = { directory: 0o700, file: 0o600 }

/** By hash, the templates that this isolate has seen: all objects share them. */
const known = new Map<string, Template>()

/** The template of a server module, if it has one that can be kept. */
export function templateOf({ archive }: ServerModule): Template | undefined {
  return archive && (known.get(archive.hash) ?? remember(archive.hash, new Uint8Array(archive.bytes)))
}

/**
 * @param archive template.bin, compressed
 * @throws Error if it is damaged
 */
function remember(hash: string, archive: Uint8Array): Template {
  const { buffer, byteOffset, length } = brotliDecompressSync(archive)
  const files = new Uint8Array(buffer, byteOffset, length)
  const nodes: Node[] = []
  const names = new Map<number, Map<string, number>>()
  const contents = new Map<number, Uint8Array>()
  const inodes = new Map<string, number>()
  for (const { path, content } of filesIn(files)) {
    const inside = pathInTemplate(path)
    const inode = nodes.length + ROOT
    const type = content === undefined ? 'directory' : 'file'
    nodes.push(Object.assign(makeNode(inode, type, MODE[type]), { size: content?.length ?? 0 }))
    inodes.set(inside, inode)
    if (content !== undefined) contents.set(inode, content)
    if (inside === '') continue
    const slash = inside.lastIndexOf('/')
    const directory = inodes.get(inside.slice(0, slash))!
    const entries = names.get(directory) ?? new Map<string, number>()
    names.set(directory, entries.set(inside.slice(slash + 1), inode))
  }
  const template = { hash, files, nodes, names, contents }
  known.set(hash, template)
  return template
}

/**
 * The template on which a storage's cluster leans: that of the module if it is the same, else the storage's own.
 *
 * @throws Error if the storage has none, or it is damaged
 */
export function keptTemplate(sql: ObjectSql, module: ServerModule | undefined): Template {
  const hash = sql.exec(`select hash from ${TEMPLATE} where part = 0`).toArray()[0]?.hash as
    | string
    | undefined
  if (hash === undefined) throw new Error(`table "${TEMPLATE}" is empty`)
  if (module?.archive?.hash === hash) return templateOf(module)!
  return known.get(hash) ?? readTemplate(sql, hash)
}

function readTemplate(sql: ObjectSql, hash: string): Template {
  const parts = sql.exec(`select bytes from ${TEMPLATE} order by part`).toArray()
  const archive = new Uint8Array(parts.reduce((sum, { bytes }) => sum + (bytes as ArrayBuffer).byteLength, 0))
  let at = 0
  for (const { bytes } of parts) {
    archive.set(new Uint8Array(bytes as ArrayBuffer), at)
    at += (bytes as ArrayBuffer).byteLength
  }
  try {
    return remember(hash, archive)
  } catch (error) {
    throw new Error(`its template cannot be read: ${(error as Error).message}`)
  }
}

/** Keeps the template of a module in a storage. */
export function keepTemplate(sql: ObjectSql, { hash, bytes }: NonNullable<ServerModule['archive']>): void {
  for (let part = 0; part * PART < bytes.byteLength; part++)
    sql.exec(
      `insert into ${TEMPLATE} values (?, ?, ?)`,
      part,
      hash,
      new Uint8Array(bytes.slice(part * PART, (part + 1) * PART)),
    )
}

const WRITTEN = 'select id from postgres_page where id < ?'

/** Which pages of a cluster are those of its template. */
export class Leaning {
  readonly #template: Template
  readonly #shared = new Map<number, Shared>()
  /** The ids of pages in files of the template for which the storage has a row, or has had one. */
  readonly #written = new Set<number>()
  /** Functions that undo the changes within atomically(), the last one last; undefined outside of it. */
  #undoing: (() => void)[] | undefined

  constructor(template: Template, shared?: ReadonlyMap<number, Shared>) {
    this.#template = template
    if (shared !== undefined) this.#shared = new Map(shared)
    else
      for (const [inode, { length }] of template.contents)
        this.#shared.set(inode, { file: inode, pages: pagesOf(length) })
  }

  /** The same, as it is now. */
  copy(): Leaning {
    return new Leaning(this.#template, this.#shared)
  }

  /** Takes over what the storage says of its files. */
  load(sql: ObjectSql, inodes: ReadonlySet<number>): void {
    for (const { inode, file, pages } of sql.exec(`select * from ${LEANING}`))
      this.#shared.set(inode as number, { file: file as number, pages: pages as number })
    for (const inode of this.#shared.keys()) if (!inodes.has(inode)) this.#shared.delete(inode)
    for (const { id } of sql.exec(WRITTEN, idOf(ROOT + this.#template.nodes.length, 0)))
      this.#written.add(id as number)
  }

  isOfTemplate(inode: number): boolean {
    return inode - ROOT < this.#template.nodes.length
  }

  hasName(directory: number, name: string): boolean {
    return this.#template.names.get(directory)?.has(name) ?? false
  }

  of(inode: number): Shared | undefined {
    return this.#shared.get(inode)
  }

  /** To be called when the storage gets a row for a page. */
  wrote(inode: number, number: number): void {
    if (this.isOfTemplate(inode)) this.#written.add(idOf(inode, number))
  }

  /** Whether the storage may have rows for these pages. Most pages of catalogs have none, and are read without asking the storage. */
  mayHaveRows(inode: number, first: number, last: number): boolean {
    if (!this.isOfTemplate(inode)) return true
    for (let number = first; number <= last; number++) if (this.#written.has(idOf(inode, number))) return true
    return false
  }

  /** The template's page that a file has if the storage has no row for it; it may be shorter than a page. */
  page(inode: number, number: number): Uint8Array | undefined {
    const shared = this.#shared.get(inode)
    if (shared === undefined || number >= shared.pages) return undefined
    return this.#template.contents.get(shared.file)?.subarray(number * PAGE, (number + 1) * PAGE)
  }

  set(inode: number, shared: Shared | undefined): void {
    const before = this.#shared.get(inode)
    this.#put(inode, shared)
    this.#undoing?.push(() => this.#put(inode, before))
  }

  /** Calls `changes`; if it throws, what it has changed here is undone. */
  atomically(changes: () => void): void {
    const outer = this.#undoing
    const undoing: (() => void)[] = []
    this.#undoing = undoing
    try {
      changes()
      outer?.push(...undoing)
    } catch (error) {
      for (const undo of undoing.reverse()) undo()
      throw error
    } finally {
      this.#undoing = outer
    }
  }

  #put(inode: number, shared: Shared | undefined): void {
    if (shared === undefined) this.#shared.delete(inode)
    else this.#shared.set(inode, shared)
  }
}
