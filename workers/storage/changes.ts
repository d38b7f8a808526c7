/**
 * Notices when the storage has lost something that the server has written. That can happen in two ways. When the closure of a
 * `ctx.storage.transaction()` throws, the storage undoes all writes that were made meanwhile, the server's too; and `deleteAll()` deletes
 * everything. A server that went on then would tell clients of commits that are lost, and write to files whose contents it does not know.
 *
 * So this class numbers the changes. The row of a page or a file has the number of the change that wrote it last; changes of another
 * kind write theirs to a row of its own. As long as the last number is where the server has written it, the storage has lost nothing.
 */
import type { ObjectStorage } from './object-storage.js'

/** What has happened to the server's writes: deleted with everything else, undone with a transaction, or part of an open transaction. */
export type Loss = 'deleted' | 'undone' | 'in transaction'

/** The tables whose rows have the number of a change. */
type Table = 'postgres_page' | 'postgres_file'

/** The row that has the number of the last change. */
interface Mark {
  readonly query: string
  readonly id: number
  readonly number: number
}

const FIND = {
  postgres_page: 'select change from postgres_page where id = ?',
  postgres_file: 'select change from postgres_file where inode = ?',
}
const FIND_OTHER = 'select change from postgres_change where id = ?'
const LEAVE_OTHER = 'insert or replace into postgres_change values (?, ?)'
const OTHER = 1

const TABLES = "select 1 from sqlite_master where name = 'postgres_change'"

/** Each server begins at a random number below 2^48, so that no server uses the numbers of one before it. */
const FIRST = () => crypto.getRandomValues(new Uint32Array(1))[0]! * 2 ** 16

export class Changes {
  readonly #sql: ObjectStorage['sql']
  readonly #onLoss: (loss: Loss) => void
  #number = FIRST()
  #mark: Mark | undefined
  /** Whether there were changes after the one at #mark that have written no number. */
  #unmarked = false
  /** Whether look() was called in this turn of the event loop: within a turn no other code changes the storage. */
  #looked = false
  #lost = false

  /** @param onLoss called once, when the storage turns out to have lost something */
  constructor(sql: ObjectStorage['sql'], onLoss: (loss: Loss) => void) {
    this.#sql = sql
    this.#onLoss = onLoss
  }

  /** Whether the storage has lost nothing, as far as is known. */
  get intact(): boolean {
    return !this.#lost
  }

  /** Checks whether the storage has lost something. */
  look(): void {
    if (this.#lost) return
    this.#leaveMark()
    if (this.#lost || this.#mark === undefined) return
    const { query, id, number } = this.#mark
    try {
      if (this.#sql.exec(query, id).toArray()[0]?.change !== number) this.lose()
    } catch {
      this.lose()
    }
  }

  /** To be called when the storage has lost something, or may lose it. */
  lose(loss: Loss = this.#hasTables() ? 'undone' : 'deleted'): void {
    if (this.#lost) return
    this.#lost = true
    this.#onLoss(loss)
  }

  #hasTables(): boolean {
    return this.#sql.exec(TABLES).toArray().length > 0
  }

  /** To be called before a change. Returns whether the caller may make it. */
  begin(): boolean {
    if (!this.#looked) {
      this.look()
      this.#looked = true
      // The storage makes one transaction of all changes until the end of this turn of the event loop.
      queueMicrotask(() => {
        this.#leaveMark()
        this.#looked = false
      })
    }
    return !this.#lost
  }

  /** The number for the row that the caller writes next. */
  next(): number {
    return ++this.#number
  }

  /** To be called when the last number has been written to this row. */
  marked(table: Table, id: number): void {
    this.#mark = { query: FIND[table], id, number: this.#number }
    this.#unmarked = false
  }

  /** To be called after a change that has written no number. */
  unmarked(): void {
    this.#unmarked = true
  }

  /** Calls `changes`, whose writes the storage undoes if it throws, and takes back what this object knows of them. */
  atomically(changes: () => void): void {
    const before = { mark: this.#mark, unmarked: this.#unmarked }
    try {
      changes()
    } catch (error) {
      this.#mark = before.mark
      this.#unmarked = before.unmarked
      throw error
    }
  }

  #leaveMark(): void {
    if (!this.#unmarked || this.#lost) return
    this.#unmarked = false
    try {
      const number = this.next()
      this.#sql.exec(LEAVE_OTHER, OTHER, number)
      this.#mark = { query: FIND_OTHER, id: OTHER, number }
    } catch (error) {
      // A full storage has no room for the number either; then the next change tries again.
      if (isGone(error)) this.lose()
    }
  }
}

/** Whether a statement has failed because the tables do not exist any more. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && /no such table: postgres_/.test(error.message)
}
