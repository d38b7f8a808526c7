/** The part of a Durable Object's `ctx.storage` that the server uses. */

export interface ObjectStorage {
  readonly sql: ObjectSql
  transaction?<T>(closure: (transaction: never) => Promise<T>): Promise<T>
  transactionSync<T>(closure: () => T): T
  /** Resolves when all writes before the call are durable. */
  sync(): Promise<void>
  /** This and the next only where the platform can restore a storage to an earlier moment (Point In Time Recovery). */
  getBookmarkForTime?(time: Date | number): Promise<string>
  /** Returns the bookmark of the moment before the restoration. */
  onNextSessionRestoreBookmark?(bookmark: string): Promise<string>
}

export interface ObjectSql {
  exec(query: string, ...bindings: SqlValue[]): Iterable<SqlRow> & { toArray(): SqlRow[] }
  /** The size of the whole storage in bytes. */
  readonly databaseSize: number
}

export type SqlValue = ArrayBuffer | Uint8Array | string | number | null
export type SqlRow = Record<string, SqlValue>
