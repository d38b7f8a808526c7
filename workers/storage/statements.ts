/** SQL on the storage, whose failures are those of files. */
import { FileError } from '../../wasm/machine/volume/node.js'
import type { ObjectStorage, SqlRow, SqlValue } from './object-storage.js'

export class Statements {
  readonly #storage: ObjectStorage
  readonly #onChange: () => void

  constructor(storage: ObjectStorage, onChange: () => void) {
    this.#storage = storage
    this.#onChange = onChange
  }

  rows(query: string, ...bindings: SqlValue[]): SqlRow[] {
    return translated(() => this.#storage.sql.exec(query, ...bindings).toArray())
  }

  change(query: string, ...bindings: SqlValue[]): void {
    this.#onChange()
    translated(() => this.#storage.sql.exec(query, ...bindings))
  }

  /** If a later change throws, those before it are undone. */
  atomically(changes: () => void): void {
    translated(() => this.#storage.transactionSync(changes))
  }
}

function translated<T>(execute: () => T): T {
  try {
    return execute()
  } catch (error) {
    if (error instanceof FileError) throw error
    const text = error instanceof Error ? error.message : String(error)
    const code = /SQLITE_FULL/.test(text) ? 'ENOSPC' : /SQLITE_NOMEM/.test(text) ? 'ENOMEM' : 'EIO'
    throw new FileError(code, text)
  }
}
