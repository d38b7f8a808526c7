/** Queries without a connection, and their results in the form of node-postgres. */

export interface FieldDef {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
  readonly format: string
}

/** As node-postgres' QueryResult. */
export interface QueryResult<Row = Record<string, unknown>> {
  readonly command: string
  readonly rowCount: number | null
  readonly oid: number
  readonly rows: Row[]
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
  readonly isolationLevel?:
    | 'read uncommitted'
    | 'read committed'
    | 'repeatable read'
    | 'serializable'
    | undefined
  readonly readOnly?: boolean | undefined
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
