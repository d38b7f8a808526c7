/** The part of a Durable Object's `ctx.storage` that the server uses. */

/** The part of `ctx.storage` that the server uses. */
export interface ObjectStorage {
  /** SQLite, in which the server keeps the cluster's pages. */
  readonly sql: ObjectSql
  /** Only in objects: the server never calls it, but notices when such a transaction takes its writes back. */
  transaction?<T>(closure: (transaction: never) => Promise<T>): Promise<T>
  /** Runs a function whose writes are all done or none. */
  transactionSync<T>(closure: () => T): T
  /** Resolves when all writes before the call are durable. */
  sync(): Promise<void>
  /** This and the next only where the platform can restore a storage to an earlier moment (Point In Time Recovery). */
  getBookmarkForTime?(time: Date | number): Promise<string>
  /** Returns the bookmark of the moment before the restoration. */
  onNextSessionRestoreBookmark?(bookmark: string): Promise<string>
}

/** The SQLite database of an object. */
export interface ObjectSql {
  /** Executes statements; returns the rows of the last. */
  exec(query: string, ...bindings: SqlValue[]): SqlRows
  /** The size of the whole storage in bytes. */
  readonly databaseSize: number
}

/** The rows of a statement. */
export interface SqlRows extends Iterable<SqlRow> {
  /** All rows that were not taken yet. */
  toArray(): SqlRow[]
}

/** A value in SQLite. */
export type SqlValue = ArrayBuffer | Uint8Array | string | number | null
/** A row, by the names of columns. */
export type SqlRow = Record<string, SqlValue>
