/** The part of node-postgres that is used here. Its own types need those of Node's streams, which not every host has. */
import type { Duplex } from 'node:stream'

export interface Field {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
  readonly format: string
}

export interface Result {
  readonly command: string
  readonly rowCount: number | null
  readonly oid: number
  readonly rows: unknown[]
  readonly fields: Field[]
}

interface Config {
  stream(): Duplex
  user: string
  database: string
  password: () => string
  ssl: false
  application_name?: string | undefined
}

interface Query {
  text: string
  values?: readonly unknown[] | undefined
  rowMode?: 'array' | undefined
  /** Of each column by the oid of its type. */
  types?: { getTypeParser(oid: number): (text: string) => unknown } | undefined
}

export class Client {
  readonly connection: { on(event: 'dataRow', listener: (row: { length: number }) => void): void }
  constructor(config: Config)
  connect(): Promise<void>
  /** Several results where the text has several statements. */
  query(query: Query): Promise<Result | Result[]>
  query(text: string): Promise<Result>
  /** I, T or E, as ReadyForQuery has it; null before the first. */
  getTransactionStatus(): string | null
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'end', listener: () => void): this
  end(): Promise<void>
}

declare const pg: { Client: typeof Client }
export default pg
