/** The two servers that are compared, and what each answers. */
import pg from 'pg'
import { getNativeTree } from '../../bench/native-tree.js'
import { startServer } from '../../server/index.js'
import { initNative, startNativeOn } from '../fixtures/native-server.js'

/** What a server answers: its rows as text with the types of their columns, or its error. */
export type Answer =
  | { readonly types: readonly number[]; readonly rows: readonly (readonly (string | null)[])[] }
  | { readonly code: string; readonly message: string; readonly position: string | undefined }

export interface Side {
  answer(statement: string): Promise<Answer>
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

class Client implements Side {
  #client: pg.Client | undefined

  constructor(
    readonly port: number,
    readonly stop: () => Promise<void>,
  ) {}

  async answer(statement: string): Promise<Answer> {
    const client = await this.#connected()
    try {
      const { rows, fields } = await client.query<(string | null)[]>({ text: statement, rowMode: 'array' })
      return { types: fields.map(({ dataTypeID }) => dataTypeID), rows }
    } catch (error) {
      const { code, message, position } = error as { code?: string; message: string; position?: string }
      // Without an SQLSTATE the connection is lost: the server has crashed.
      if (code === undefined || code.startsWith('57P')) this.#client = undefined
      return { code: code ?? 'lost', message, position }
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
      types: { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig,
    })
    client.on('error', () => {})
    await client.connect()
    for (const setting of SETTINGS) await client.query(setting)
    this.#client = client
    return client
  }
}

export async function startOurs(): Promise<Side> {
  const server = await startServer({ port: 0, host: '127.0.0.1' })
  return new Client(server.port, () => server.stop('immediate'))
}

export async function startNative(): Promise<Side> {
  const tree = await getNativeTree()
  const directory = tree.makeDirectory(`differential-${process.pid}`)
  await initNative(tree, directory, ['--locale=C.UTF-8', '--wal-segsize=1'])
  const server = await startNativeOn(tree, directory, {})
  return new Client(server.port, async () => {
    await server.kill()
    tree.removeDirectory(directory)
  })
}
