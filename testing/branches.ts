/**
 * Branches of the test server, for tests that want a whole server each. The server's process keeps some ready. A table in its database
 * `postgres` says what becomes of each, so that tests in any process take one by SQL.
 */
import pg, { type Client } from 'pg'
import type { ClusterSnapshot, PostgresServer } from '../server/index.js'

/** With the number of branches to keep ready as its payload, a notification on this channel says that the template is there. */
export const CHANNEL = 'pglite_imports_branches'

const TABLE = `create table if not exists pglite_imports.branch (
  url text primary key,
  state text not null check (state in ('ready', 'taken', 'kept', 'given'))
);
create table if not exists pglite_imports.branch_failure (message text not null)`

/** Milliseconds between two looks of a test for a branch that is ready. */
const INTERVAL = 10

/** Serves branches in the server's process until that ends. */
export async function serveBranches(server: PostgresServer): Promise<void> {
  const session = new pg.Client({
    ...{ stream: () => server.connect() },
    user: server.user,
    database: 'postgres',
  })
  // The server has ended.
  session.on('error', () => {})
  await session.connect()
  await session.query(TABLE)
  const keeper = new Keeper(server, session)
  session.on('notification', ({ payload = '' }) => keeper.wake(Number(payload)))
  await session.query(`listen ${CHANNEL}`)
}

class Keeper {
  readonly #branches = new Map<string, PostgresServer>()
  #snapshot: Promise<ClusterSnapshot> | undefined
  #working: Promise<void> = Promise.resolve()

  constructor(
    readonly server: PostgresServer,
    readonly session: Client,
  ) {}

  /** Does what there is to do, after what is being done. */
  wake(size: number): void {
    this.#working = this.#working.then(() => this.#workOrSay(size))
  }

  async #workOrSay(size: number): Promise<void> {
    try {
      await this.#work(size)
    } catch (error) {
      const { message } = error as Error
      // It fails if the server has ended.
      await this.session
        .query('insert into pglite_imports.branch_failure values ($1)', [message])
        .catch(() => {})
    }
  }

  async #work(size: number): Promise<void> {
    this.#snapshot ??= this.server.snapshot()
    const snapshot = await this.#snapshot
    const given = await this.session.query(
      "delete from pglite_imports.branch where state = 'given' returning url",
    )
    for (const { url } of given.rows) {
      void this.#branches.get(url)?.stop('immediate')
      this.#branches.delete(url)
    }
    for (;;) {
      const { rows } = await this.session.query(
        "select count(*)::int as ready from pglite_imports.branch where state = 'ready'",
      )
      if (rows[0].ready >= size) return
      const branch = await this.server.branch({ snapshot })
      this.#branches.set(branch.url, branch)
      await this.session.query("insert into pglite_imports.branch values ($1, 'ready')", [branch.url])
    }
  }
}

/** Runs a statement on the test server. */
type Query = (text: string, ...values: unknown[]) => Promise<{ rows: Record<string, string>[] }>

/**
 * Takes a branch; waits until there is one.
 *
 * @param size how many are kept ready
 * @returns its connection string
 * @throws Error when the server cannot make any
 */
export async function takeBranch(query: Query, size: number): Promise<string> {
  for (;;) {
    const { rows } = await query(`update pglite_imports.branch set state = 'taken' where url =
      (select url from pglite_imports.branch where state = 'ready' limit 1 for update skip locked) returning url`)
    if (rows[0] !== undefined) {
      await query('select pg_notify($1, $2)', CHANNEL, String(size))
      return rows[0].url!
    }
    const failure = await query('select message from pglite_imports.branch_failure')
    if (failure.rows[0] !== undefined)
      throw new Error(`the server has no branches: ${failure.rows[0].message}`)
    await new Promise(resolve => setTimeout(resolve, INTERVAL))
  }
}

/** Gives a branch back, whose server then stops; or keeps it. */
export async function giveBranch(query: Query, url: string, size: number, keep: boolean): Promise<void> {
  await query('update pglite_imports.branch set state = $2 where url = $1', url, keep ? 'kept' : 'given')
  await query('select pg_notify($1, $2)', CHANNEL, String(size))
}
