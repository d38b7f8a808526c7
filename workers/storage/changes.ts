/**
 * Whether all is still there that was written. A storage can go back behind what was written to it: when the closure of a
 * `ctx.storage.transaction()` throws, it takes along whatever anybody has written meanwhile; and `deleteAll()` takes everything. Who went
 * on then would tell clients of what is not there, and write to files that are no longer those that the server knows.
 *
 * So changes are numbered. A row of a page or a file has the number of the change that wrote it last; other changes leave theirs in a
 * row of its own. As long as the last number is found where it was left, nothing before it is gone.
 */
import type { ObjectStorage } from './object-storage.js'

/** What has become of what was written: deleted with all else, undone with a transaction, or part of one that is open. */
export type Loss = 'deleted' | 'undone' | 'in transaction'

/** Tables whose rows have a number. */
type Table = 'postgres_page' | 'postgres_file'

/** Where the last change has left its number. */
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

/** Numbers are not used twice, whoever has numbered before: each server begins somewhere in 2^48. */
const FIRST = () => crypto.getRandomValues(new Uint32Array(1))[0]! * 2 ** 16

export class Changes {
  readonly #sql: ObjectStorage['sql']
  readonly #onLoss: (loss: Loss) => void
  #number = FIRST()
  #mark: Mark | undefined
  /** Whether there were changes since, which have left no number. */
  #unmarked = false
  /** Whether it was looked since others could last have done something. */
  #looked = false
  #lost = false

  /** @param onLoss called once, when something turns out to be gone */
  constructor(sql: ObjectStorage['sql'], onLoss: (loss: Loss) => void) {
    this.#sql = sql
    this.#onLoss = onLoss
  }

  /** Whether all is there, as far as is known. */
  get intact(): boolean {
    return !this.#lost
  }

  /** Looks whether all is there. */
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

  /** Something was found to be gone, or nobody can tell whether it will be. */
  lose(loss: Loss = this.#hasTables() ? 'undone' : 'deleted'): void {
    if (this.#lost) return
    this.#lost = true
    this.#onLoss(loss)
  }

  #hasTables(): boolean {
    return this.#sql.exec(TABLES).toArray().length > 0
  }

  /** To be called before a change. Returns whether it may be made. */
  begin(): boolean {
    if (!this.#looked) {
      this.look()
      this.#looked = true
      // What follows of this turn of the event loop is one transaction of the storage.
      queueMicrotask(() => {
        this.#leaveMark()
        this.#looked = false
      })
    }
    return !this.#lost
  }

  /** The number for a row that is about to be written. */
  next(): number {
    return ++this.#number
  }

  /** The last number has been written to this row. */
  marked(table: Table, id: number): void {
    this.#mark = { query: FIND[table], id, number: this.#number }
    this.#unmarked = false
  }

  /** There was a change that has left no number. */
  unmarked(): void {
    this.#unmarked = true
  }

  /** Does what is undone as a whole when it throws. */
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
      // A storage that is full has no room for it either.
      if (isGone(error)) this.lose()
    }
  }
}

/** Whether a statement has failed because the tables are not there any more. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && /no such table: postgres_/.test(error.message)
}
