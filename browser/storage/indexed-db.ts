/**
 * A cluster in IndexedDB (w3.org/TR/IndexedDB), for browsers that give a worker no files. IndexedDB has no synchronous methods, so the
 * files are in memory, and each change is written behind. All changes until a moment are one transaction, and the transactions follow one
 * another. So after a crash the database has everything up to some moment and nothing later, and no page by half. Answers to
 * clients wait until the transaction with what they have committed is durable.
 */
import { MemoryStore } from '../../wasm/machine/volume/memory-files.js'
import { FileError, makeNode, type Node } from '../../wasm/machine/volume/node.js'
import type { Store } from '../../wasm/machine/volume/store.js'
import { anotherBackup, type BrowserVolume, FOLDER } from './browser-volume.js'
import { type Change, emptyVolume, Inodes, PAGE } from './inodes.js'

/** Object stores: the contents of pages by inode and number, the log of changes in its order, and what says that there is a cluster. */
const [PAGES, LOG, STATE] = ['pages', 'log', 'state'] as const
const VERSION = 1

/** The log is written anew when it has so many entries more than the volume needs. */
const MOST_ENTRIES = 2000

/** @param onFailure called once, when the database has not taken a change */
export async function openInDatabase(name: string, onFailure: () => void): Promise<BrowserVolume> {
  const database = await openDatabase(name)
  try {
    const reading = database.transaction([PAGES, LOG, STATE])
    const [exists, entries, keys, contents] = await Promise.all([
      done(reading.objectStore(STATE).get(0)),
      done<Change[][]>(reading.objectStore(LOG).getAll()),
      done<IDBValidKey[]>(reading.objectStore(PAGES).getAllKeys()),
      done<Uint8Array[]>(reading.objectStore(PAGES).getAll()),
    ])
    const store = new IndexedStore(database, exists === undefined ? undefined : entries, onFailure)
    for (const [i, key] of keys.entries()) store.load(key as [number, number], contents[i]!)
    return {
      store,
      exists: () => store.exists,
      tree: () => store.tree(),
      finish: () => store.finish(),
      snapshot: () => store.snapshot(),
      // Pages are written as a whole or not at all.
      settings: { full_page_writes: 'off' },
      durable: () => store.durable(),
      async close() {
        await store.close()
        database.close()
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Whether the browser has a database for this cluster. */
export async function isInDatabase(name: string): Promise<boolean> {
  const databases = await indexedDB.databases()
  return databases.some(database => database.name === `${FOLDER}/${name}`)
}

export async function removeFromDatabase(name: string): Promise<void> {
  await done(indexedDB.deleteDatabase(`${FOLDER}/${name}`))
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(`${FOLDER}/${name}`, VERSION)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(PAGES)
    opening.result.createObjectStore(LOG, { autoIncrement: true })
    opening.result.createObjectStore(STATE)
  }
  return done(opening)
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

class IndexedStore implements Store {
  readonly #database: IDBDatabase
  readonly #memory = new MemoryStore()
  /** Which files there are; their pages are nowhere in it. */
  readonly #inodes = new Inodes()
  /** Changes that no transaction has yet, and the pages that were written. */
  #pending: Change[] = []
  #written = new Map<number, Set<number>>()
  /** Files of which no page counts from this one on, in the database. */
  #cut = new Map<number, number>()
  #entries: number
  #asked = false
  #writing: Promise<void> | undefined
  #failure: Error | undefined
  /** Whether a backup reads the files as they were. */
  #read = false
  exists: boolean

  /** @param log undefined if the database has no whole cluster */
  constructor(
    database: IDBDatabase,
    log: readonly Change[][] | undefined,
    readonly onFailure: () => void,
  ) {
    this.#database = database
    this.exists = log !== undefined
    for (const change of log?.flat() ?? emptyVolume()) this.#inodes.apply(change)
    this.#entries = log?.length ?? 0
    for (const [inode, size] of this.#inodes.sizes())
      if (size > 0) this.#memory.resize(makeNode(inode, 'file', 0), size)
  }

  tree() {
    return this.#inodes.tree()
  }

  snapshot(): { store: Store; end(): void } {
    if (this.#read) throw anotherBackup()
    this.#read = true
    const end = () => {
      this.#read = false
    }
    return { store: this.#memory.snapshot(), end }
  }

  /** Takes a page from the database. */
  load([inode, page]: readonly [number, number], bytes: Uint8Array): void {
    const length = Math.min(bytes.length, this.#inodes.size(inode) - page * PAGE)
    if (length > 0) this.#memory.write(makeNode(inode, 'file', 0), bytes, 0, length, page * PAGE)
  }

  async finish(): Promise<void> {
    const transaction = this.#begin()
    for (const name of [PAGES, LOG]) transaction.objectStore(name).clear()
    transaction.objectStore(LOG).add([...this.#inodes.changes()])
    transaction.objectStore(STATE).put({ format: 1 }, 0)
    this.#putPages(transaction)
    this.#pending = []
    this.#cut.clear()
    await committed(transaction)
    this.#entries = 1
    this.exists = true
  }

  atomically(changes: () => void): void {
    if (this.#failure !== undefined) throw new FileError('EIO', this.#failure.message)
    this.#memory.atomically(changes)
  }

  read(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#memory.read(node, buffer, offset, length, position)
  }

  write(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#memory.write(node, buffer, offset, length, position)
    this.#touch(node.inode, position, length)
  }

  resize(node: Node, size: number): void {
    this.#memory.resize(node, size)
    if (size < node.size) {
      const page = Math.ceil(size / PAGE)
      this.#cutFrom(node.inode, page)
      if (size % PAGE !== 0) this.#touch(node.inode, size, 1)
    }
    this.#change(['size', node.inode, size])
  }

  put(node: Node, content: Uint8Array): void {
    this.#memory.put(node, content)
    this.#touch(node.inode, 0, content.length)
  }

  copy(from: Node, to: Node): void {
    this.#memory.copy(from, to)
    this.#touch(to.inode, 0, from.size)
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

  free(node: Node): void {
    this.#memory.free(node)
    this.#cutFrom(node.inode, 0)
    this.#change(['free', node.inode])
  }

  sync(): void {
    if (this.#failure !== undefined) throw new FileError('EIO', this.#failure.message)
    this.#asked = true
    // What nobody waits for is written soon as well.
    queueMicrotask(() => this.durable()?.catch(() => {}))
  }

  durable(): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#asked && this.exists) {
      this.#asked = false
      const writing = this.#write().finally(() => {
        if (this.#writing === writing) this.#writing = undefined
      })
      this.#writing = writing
    }
    return this.#writing
  }

  async close(): Promise<void> {
    this.#asked = true
    await this.durable()
  }

  async #write(): Promise<void> {
    try {
      const transaction = this.#begin()
      for (const [inode, page] of this.#cut)
        transaction.objectStore(PAGES).delete(IDBKeyRange.bound([inode, page], [inode, Infinity]))
      this.#cut.clear()
      this.#putPages(transaction)
      const log = transaction.objectStore(LOG)
      if (++this.#entries > MOST_ENTRIES) {
        log.clear()
        log.add([...this.#inodes.changes()])
        this.#entries = 1
      } else log.add(this.#pending)
      this.#pending = []
      await committed(transaction)
    } catch (error) {
      if (this.#failure === undefined) {
        this.#failure = error as Error
        this.onFailure()
      }
      throw error
    }
  }

  #begin(): IDBTransaction {
    return this.#database.transaction([PAGES, LOG, STATE], 'readwrite', { durability: 'strict' })
  }

  #putPages(transaction: IDBTransaction): void {
    const store = transaction.objectStore(PAGES)
    for (const [inode, pages] of this.#written) {
      const size = this.#inodes.size(inode)
      const node = makeNode(inode, 'file', 0)
      for (const page of pages) {
        const length = Math.min(PAGE, size - page * PAGE)
        if (length <= 0) continue
        const bytes = new Uint8Array(length)
        this.#memory.read(node, bytes, 0, length, page * PAGE)
        store.put(bytes, [inode, page])
      }
    }
    this.#written.clear()
  }

  #touch(inode: number, position: number, length: number): void {
    if (length === 0) return
    const pages = this.#written.get(inode) ?? new Set()
    this.#written.set(inode, pages)
    const last = Math.floor((position + length - 1) / PAGE)
    for (let page = Math.floor(position / PAGE); page <= last; page++) pages.add(page)
  }

  #cutFrom(inode: number, page: number): void {
    this.#cut.set(inode, Math.min(page, this.#cut.get(inode) ?? page))
    const written = this.#written.get(inode)
    for (const number of written ?? []) if (number >= page) written!.delete(number)
  }

  #change(change: Change): void {
    this.#inodes.apply(change)
    this.#pending.push(change)
  }
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
    transaction.onerror = () => reject(transaction.error ?? new Error('the transaction has failed'))
  })
}
