/** What is used of a Durable Object's `ctx.storage`. */

export interface ObjectStorage {
  readonly sql: ObjectSql
  transaction?<T>(closure: (transaction: never) => Promise<T>): Promise<T>
  transactionSync<T>(closure: () => T): T
  /** Resolves when all that was written before is durable. */
  sync(): Promise<void>
  /** Where the platform can go back to what a storage was (Point In Time Recovery). */
  getBookmarkForTime?(time: Date | number): Promise<string>
  /** Returns the bookmark of the moment before it goes back. */
  onNextSessionRestoreBookmark?(bookmark: string): Promise<string>
}

export interface ObjectSql {
  exec(query: string, ...bindings: SqlValue[]): Iterable<SqlRow> & { toArray(): SqlRow[] }
  /** Bytes. */
  readonly databaseSize: number
}

export type SqlValue = ArrayBuffer | Uint8Array | string | number | null
export type SqlRow = Record<string, SqlValue>
