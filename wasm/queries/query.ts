/** Queries without a connection, and their results in the form of node-postgres. */

/** A column of a result. */
export interface FieldDef {
  /** The column's name in the result. */
  readonly name: string
  /** The oid of the table that the column is of, or 0. */
  readonly tableID: number
  /** The number of the column in that table, or 0. */
  readonly columnID: number
  /** The oid of the column's type. */
  readonly dataTypeID: number
  /** The size of the type in bytes; negative if it varies. */
  readonly dataTypeSize: number
  /** The modifier of the type, such as the length of a varchar; -1 if there is none. */
  readonly dataTypeModifier: number
  /** 'text' or 'binary'. */
  readonly format: string
}

/** As node-postgres' QueryResult. */
export interface QueryResult<Row = Record<string, unknown>> {
  /** The first word of the command tag: SELECT, INSERT, … */
  readonly command: string
  /** How many rows were affected or returned; null for commands that have no such number. */
  readonly rowCount: number | null
  /** Always 0 or the oid that old servers tell after INSERT. */
  readonly oid: number
  /** The rows. */
  readonly rows: Row[]
  /** The columns. */
  readonly fields: FieldDef[]
}

/** Executes queries: a server, or a transaction. */
export interface Queryable {
  /**
   * Executes a statement, with values for its parameters $1, $2, …
   *
   * @throws Error with PostgreSQL's fields (`code` is the SQLSTATE), as node-postgres does
   */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
}

/** PostgreSQL documentation, "SET TRANSACTION". */
export interface TransactionOptions {
  /** Default: what the session has, `read committed`. */
  readonly isolationLevel?:
    | 'read uncommitted'
    | 'read committed'
    | 'repeatable read'
    | 'serializable'
    | undefined
  /** Whether the transaction writes nothing. Default: no. */
  readonly readOnly?: boolean | undefined
  /** Whether a serializable read-only transaction waits at its begin until it cannot fail later. Default: no. */
  readonly deferrable?: boolean | undefined
}

/** The statement that begins such a transaction. */
export function beginStatement({ isolationLevel, readOnly, deferrable }: TransactionOptions): string {
  const modes = [
    ...(isolationLevel === undefined ? [] : [`isolation level ${isolationLevel}`]),
    ...(readOnly === undefined ? [] : [readOnly ? 'read only' : 'read write']),
    ...(deferrable === undefined ? [] : [deferrable ? 'deferrable' : 'not deferrable']),
  ]
  return `begin ${modes.join(', ')}`
}
