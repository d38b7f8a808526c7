/**
 * Files in the SQLite storage of a Durable Object.
 *
 * All of this relies on two promises of the storage: writes in one turn of the event loop are one transaction, and transactions become
 * durable in their order. So after a crash the storage has all writes up to some moment and none after it, and no page is half written.
 * So PostgreSQL's own order of writes holds, and no process waits for the storage. Only answers to clients wait, because a client must
 * not hear of a write that the storage could still lose: the host sends them when durable() has resolved.
 */
import type { Node } from '../../wasm/machine/volume/node.js'
import type { Kept, Store } from '../../wasm/machine/volume/store.js'
import { Changes, type Loss } from './changes.js'
import { Durability } from './durability.js'
import type { ObjectStorage } from './object-storage.js'
import { Pages } from './pages.js'
import { Snapshot } from './snapshot.js'
import { Statements } from './statements.js'
import { GONE, NO_INODE } from './tables.js'
import type { Leaning } from './template.js'
import { watchTransactions } from './transactions.js'

const SAVE = 'insert or replace into postgres_file values (?, ?, ?, ?, ?, ?, ?)'
const FREE = 'delete from postgres_file where inode = ?'
const ADD_NAME = 'insert or replace into postgres_name values (?, ?, ?)'
const REMOVE_NAME = 'delete from postgres_name where directory = ? and name = ?'

export class ObjectStore implements Store {
  readonly #changes: Changes
  readonly #durability: Durability
  readonly #statements: Statements
  readonly #pages: Pages
  readonly #storage: ObjectStorage
  readonly #isInTransaction: () => boolean
  readonly #leaning: Leaning | undefined

  /**
   * @param leaning which pages are a template's, if the files lean on one
   * @param onLoss called once, when the storage has lost something that was written, or may lose it
   */
  constructor(
    storage: ObjectStorage,
    leaning: Leaning | undefined,
    onLoss: (reason: Loss) => void = () => {},
  ) {
    this.#changes = new Changes(storage.sql, onLoss)
    this.#storage = storage
    this.#isInTransaction = watchTransactions(storage)
    this.#durability = new Durability(storage, this.#changes, this.#isInTransaction)
    this.#statements = new Statements(storage, this.#changes, () => this.#durability.written())
    this.#leaning = leaning
    this.#pages = new Pages(this.#statements, leaning)
  }

  atomically(changes: () => void): void {
    const all = () => this.#statements.atomically(changes)
    if (this.#leaning === undefined) all()
    else this.#leaning.atomically(all)
  }

  read({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#pages.read(inode, buffer, offset, length, position)
  }

  write({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#pages.write(inode, buffer, offset, length, position)
  }

  resize(node: Node, size: number): void {
    this.atomically(() => {
      this.#pages.resize(node.inode, node.size, size)
      this.save({ ...node, size, modified: Date.now() })
    })
  }

  put({ inode }: Node, content: Uint8Array): void {
    this.#pages.write(inode, content, 0, content.length, 0)
  }

  copy(from: Node, to: Node): void {
    this.#pages.copy(from.inode, to.inode)
  }

  save({ inode, type, mode, size, target, modified }: Node): void {
    this.#statements.write('postgres_file', SAVE, inode, type, mode, size, target, modified)
  }

  addName(directory: Node, name: string, { inode }: Node): void {
    this.#statements.change(ADD_NAME, directory.inode, name, inode)
  }

  removeName(directory: Node, name: string): void {
    if (this.#leaning?.hasName(directory.inode, name))
      this.#statements.change(ADD_NAME, directory.inode, name, NO_INODE)
    else this.#statements.change(REMOVE_NAME, directory.inode, name)
  }

  free({ inode }: Node): void {
    if (!this.#pages.snapshot?.keepFile(inode)) this.#free(inode)
  }

  #free(inode: number): void {
    this.atomically(() => {
      this.#pages.free(inode)
      this.#pages.forget(inode)
      if (this.#leaning?.isOfTemplate(inode))
        this.#statements.write('postgres_file', SAVE, inode, GONE, 0, 0, '', 0)
      else this.#statements.change(FREE, inode)
    })
  }

  /**
   * Returns the files as they are now, which the caller reads while they change. There is one snapshot at a time.
   *
   * @param tree the volume's files and directories
   * @throws Error when there is a snapshot already, or when an open transaction of the storage could undo what it has
   */
  snapshot(tree: Kept): Snapshot {
    if (this.#pages.snapshot !== undefined)
      throw Object.assign(new Error('another backup of this cluster is being read'), { code: 'EBUSY' })
    if (this.#isInTransaction())
      throw new Error('there is an open ctx.storage.transaction(), which could take back what the backup has')
    const snapshot = new Snapshot(
      this.#storage.sql,
      tree,
      inode => this.#free(inode),
      () => {
        this.#pages.snapshot = undefined
      },
      this.#leaning,
    )
    this.#pages.snapshot = snapshot
    return snapshot
  }

  /** Whether the storage has lost nothing that was written, as far as is known. */
  get intact(): boolean {
    this.look()
    return this.#changes.intact
  }

  /** Checks whether the storage has lost something that was written. */
  look(): void {
    this.#changes.look()
  }

  sync(): void {
    this.#durability.sync()
  }

  /** Resolves when all writes before the last sync() are durable; returns undefined when they are already. */
  durable(): Promise<void> | undefined {
    return this.#durability.durable()
  }
}
