/** Executes SQL on the storage, and turns its errors into those of files. */
import { FileError } from '../../wasm/machine/volume/node.js'
import { type Changes, isGone } from './changes.js'
import type { ObjectStorage, SqlRow, SqlValue } from './object-storage.js'

export class Statements {
  readonly #storage: ObjectStorage
  readonly #changes: Changes
  readonly #onChange: () => void

  constructor(storage: ObjectStorage, changes: Changes, onChange: () => void) {
    this.#storage = storage
    this.#changes = changes
    this.#onChange = onChange
  }

  rows(query: string, ...bindings: SqlValue[]): SqlRow[] {
    return this.#translated(() => this.#storage.sql.exec(query, ...bindings).toArray())
  }

  /** Writes a row of a page or a file; the statement's second parameter is the number of the change. */
  write(table: 'postgres_page' | 'postgres_file', query: string, id: number, ...bindings: SqlValue[]): void {
    this.#change(query, id, this.#changes.next(), ...bindings)
    this.#changes.marked(table, id)
  }

  /** Executes a statement that makes any other change. */
  change(query: string, ...bindings: SqlValue[]): void {
    this.#change(query, ...bindings)
    this.#changes.unmarked()
  }

  /** Calls `changes`; if it throws, the storage undoes its statements. */
  atomically(changes: () => void): void {
    this.#changes.atomically(() => this.#translated(() => this.#storage.transactionSync(changes)))
  }

  #change(query: string, ...bindings: SqlValue[]): void {
    if (!this.#changes.begin()) throw new FileError('EIO', 'the storage has lost writes of the server')
    this.#onChange()
    this.#translated(() => this.#storage.sql.exec(query, ...bindings))
  }

  #translated<T>(execute: () => T): T {
    try {
      return execute()
    } catch (error) {
      if (error instanceof FileError) throw error
      if (isGone(error)) this.#changes.lose()
      const text = error instanceof Error ? error.message : String(error)
      const code = /SQLITE_FULL/.test(text) ? 'ENOSPC' : /SQLITE_NOMEM/.test(text) ? 'ENOMEM' : 'EIO'
      throw new FileError(code, text)
    }
  }
}
