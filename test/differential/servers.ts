/** The two servers that are compared, and what each answers. */
import pg from 'pg'
import { getNativeTree } from '../../bench/native-tree.js'
import { startServer } from '../../server/index.js'
import { initNative, startNativeOn } from '../fixtures/native-server.js'

/** What a server answers: its rows as text with the types of their columns, or its error; with what it notices meanwhile. */
export type Answer = (
  | { readonly types: readonly number[]; readonly rows: readonly (readonly (string | null)[])[] }
  | {
      readonly code: string
      readonly message: string
      readonly position: string | undefined
      /** Detail, hint and context. */
      readonly more: readonly (string | undefined)[]
    }
) & { readonly notices?: readonly string[] }

export interface Side {
  /** @param binary whether values come in the binary format */
  answer(statement: string, binary?: boolean): Promise<Answer>
  /** Executes statements in a transaction until one fails, and rolls it back. */
  transaction(statements: readonly string[]): Promise<Answer[]>
  stop(): Promise<void>
}

/** The same of both, and short: a statement that takes longer on one of them says nothing. */
const SETTINGS = [
  "set timezone = 'Europe/Berlin'",
  'set statement_timeout = 3000',
  'set extra_float_digits = 1',
  "set default_text_search_config = 'english'",
  'set max_parallel_workers_per_gather = 0',
]

/** SQLSTATE of a statement that has taken too long. */
export const CANCELLED = '57014'

/** The code instead if the timeout came so late, in milliseconds, that the machine's other work is no excuse. */
export const OVERDUE = 'overdue'
const LATEST = 60_000

export class Client implements Side {
  #client: pg.Client | undefined
  #notices: string[] = []

  constructor(
    readonly port: number,
    readonly stop: () => Promise<void>,
    readonly database = 'postgres',
    readonly settings: readonly string[] = [],
  ) {}

  async answer(statement: string, binary = false): Promise<Answer> {
    const client = await this.#connected()
    this.#notices = []
    const answer = await this.#answered(client, statement, binary)
    return this.#notices.length > 0 ? { ...answer, notices: this.#notices } : answer
  }

  async transaction(statements: readonly string[]): Promise<Answer[]> {
    await this.answer('begin')
    const answers: Answer[] = []
    for (const statement of statements) {
      const answer = await this.answer(statement)
      answers.push(answer)
      if ('code' in answer) break
    }
    await this.answer('rollback')
    return answers
  }

  /** A session in another database of the server. */
  in(database: string): Client {
    return new Client(this.port, () => this.#client?.end() ?? Promise.resolve(), database)
  }

  async #answered(client: pg.Client, statement: string, binary: boolean): Promise<Answer> {
    const began = performance.now()
    try {
      const { rows, fields } = await client.query<(string | null)[]>({
        text: statement,
        rowMode: 'array',
        ...(binary ? { binary } : {}),
      })
      return { types: fields.map(({ dataTypeID }) => dataTypeID), rows }
    } catch (error) {
      const { code, message, position, detail, hint, where } = error as pg.DatabaseError
      // Without an SQLSTATE the connection is lost: the server has crashed.
      if (code === undefined || code.startsWith('57P')) this.#client = undefined
      const overdue = code === CANCELLED && performance.now() - began > LATEST
      return { code: overdue ? OVERDUE : (code ?? 'lost'), message, position, more: [detail, hint, where] }
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: this.database,
      types: { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig,
    })
    client.on('error', () => {})
    client.on('notice', ({ severity, message }) => this.#notices.push(`${severity}: ${message}`))
    await client.connect()
    for (const setting of [...SETTINGS, ...this.settings]) await client.query(setting)
    this.#client = client
    return client
  }
}

export async function startOurs(): Promise<Client> {
  const server = await startServer({ port: 0, host: '127.0.0.1' })
  return new Client(server.port, () => server.stop('immediate'))
}

export async function startNative(): Promise<Client> {
  const tree = await getNativeTree()
  const directory = tree.makeDirectory(`differential-${process.pid}`)
  await initNative(tree, directory, ['--locale=C.UTF-8', '--wal-segsize=1'])
  const server = await startNativeOn(tree, directory, {})
  return new Client(server.port, async () => {
    await server.kill()
    tree.removeDirectory(directory)
  })
}
