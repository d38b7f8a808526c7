/**
 * Databases for the tests of any test runner. One process starts the server, and passes its address on in the environment to all
 * processes that it starts.
 */
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import pg, { type Client, type QueryResult, type QueryResultRow } from 'pg'
import { CHANNEL, giveBranch, takeBranch } from './branches.js'
import { cachedCluster } from './cache.js'
import { type Now, setNowInDatabase } from './clock.js'
import type { TestDatabasesOptions } from './options.js'
import { startTestServer, type Until } from './server.js'
import { template, urlOf } from './template.js'
import { beginTransaction } from './transaction.js'

/** The environment variable with a Place as JSON. */
const VARIABLE = 'PGLITE_IMPORTS_TESTING'

/** How to take databases from the server. */
export interface Place extends Pick<TestDatabasesOptions, 'isolation' | 'per' | 'keepFailed'> {
  readonly url: string
  /** The server's process. */
  readonly pid: number
  readonly template: string
  /** How many databases, or branches, are kept ready. */
  readonly size: number
}

/** A test's own database. */
export interface TestDatabase {
  /** The database's name. */
  readonly name: string
  /** Connection string. */
  readonly url: string
  /** A client of node-postgres. It connects at the first access to this property, and ends with the test. */
  readonly client: Client
  /** A connection for drivers that accept a stream. */
  stream(): Duplex
  /** Sets what now() is for `client`, and for sessions that begin in this database from now on; setNow(undefined) resets it. */
  setNow(now: Now): Promise<void>
}

/** A database for as long as a test has it. */
export interface Lease {
  /** The database. */
  readonly database: TestDatabase
  /** To be called when the test has ended. */
  end(failed: boolean): Promise<void>
  /** end(false), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What is kept of a database that several tests share. */
export interface HeldLease {
  /** The database, once a test has asked for it. */
  current?: Lease
  /** Whether one of the tests has failed. */
  failed: boolean
}

/** The place of databases, if a process above this one has started a server. */
export function placeOfDatabases(): Place | undefined {
  const text = process.env[VARIABLE]
  return text === undefined ? undefined : (JSON.parse(text) as Place)
}

/** Tells this process, and those that it starts from now on, the place of databases. */
export function tellPlace(place: Place): void {
  process.env[VARIABLE] = JSON.stringify(place)
}

/**
 * Starts a server that keeps clones of a template ready, for this process and those that it starts from now on.
 *
 * @param until the process with which the server ends, and a folder that it then removes. Default: this process, and no folder
 * @returns a function that stops the server
 */
export async function setUpDatabases(
  options: TestDatabasesOptions = {},
  until?: Until,
): Promise<() => Promise<void>> {
  const { cacheDir, settings, isolation, per, keepFailed } = options
  const { size = isolation === 'branch' ? 2 : 8 } = options
  const copyOf = cacheDir === undefined ? undefined : await cachedCluster(cacheDir, options)
  const server = await startTestServer({ copyOf, settings }, until)
  const name = await template(server.url, options)
  const client = new pg.Client(server.url)
  await client.connect()
  if (isolation === 'branch') await client.query('select pg_notify($1, $2)', [CHANNEL, String(size)])
  else await client.query('select pglite_imports.open_pool($1, $2)', [name, size])
  await client.end()
  const place: Place = { url: server.url, pid: server.pid, template: name, size, isolation, per, keepFailed }
  tellPlace(place)
  return async () => {
    delete process.env[VARIABLE]
    await server.stop()
  }
}

/**
 * Makes a function that takes a database.
 *
 * @param setUp sets the place of databases, if no process above this one has
 */
export function leaser(setUp: () => Promise<unknown>): () => Promise<Lease> {
  let starting: Promise<unknown> | undefined
  let desk: Desk | undefined
  return async () => {
    if (placeOfDatabases() === undefined) {
      starting ??= setUp()
      await starting
    }
    desk ??= new Desk(placeOfDatabases()!)
    return desk.lease()
  }
}

/** A client that keeps the process running only after ref(). Its types lack this. */
type RefClient = Client & { ref(): void; unref(): void }

/** Takes databases for this process, and gives them back. */
class Desk {
  readonly #place: Place
  readonly #session: RefClient
  #last: Promise<unknown>
  /** Databases whose transactions have been rolled back. */
  readonly #used: TakenDatabase[] = []

  constructor(place: Place) {
    this.#place = place
    this.#session = new pg.Client(place.url) as RefClient
    this.#session.on('error', () => {})
    this.#last = this.#session.connect().then(() => this.#session.unref())
    this.#last.catch(() => {})
  }

  async lease(): Promise<Lease> {
    if (this.#place.isolation === 'branch') return this.#leaseBranch()
    return this.#place.isolation === 'transaction' ? this.#leaseTransaction() : this.#leaseDatabase()
  }

  async #leaseBranch(): Promise<Lease> {
    const { template, size } = this.#place
    const query = (text: string, ...values: unknown[]) => this.#query<Record<string, string>>(text, ...values)
    const url = await takeBranch(query, size)
    const database = new TakenDatabase(template, urlOf(url, template))
    return leaseOf(database, async failed => {
      await database.close()
      const keep = failed && this.#place.keepFailed === true
      await giveBranch(query, url, size, keep)
      if (keep) this.#tellKept(database)
    })
  }

  async #leaseDatabase(): Promise<Lease> {
    const database = await this.#take()
    return leaseOf(database, async failed => {
      await database.close()
      await this.#finish(database, failed)
    })
  }

  async #leaseTransaction(): Promise<Lease> {
    const database = this.#used.pop() ?? (await this.#take())
    const client = database.client as RefClient
    client.ref()
    const end = await beginTransaction(client)
    return leaseOf(database, async failed => {
      if (failed && this.#place.keepFailed) {
        await end('commit')
        await database.close()
        await this.#finish(database, failed)
        return
      }
      await end('rollback')
      client.unref()
      this.#used.push(database)
    })
  }

  async #take(): Promise<TakenDatabase> {
    const { template, url } = this.#place
    const { rows } = await this.#query<{ name: string }>(
      'select pglite_imports.take_database($1) as name',
      template,
    )
    const { name } = rows[0]!
    return new TakenDatabase(name, urlOf(url, name))
  }

  async #finish(database: TestDatabase, failed: boolean): Promise<void> {
    const keep = failed && this.#place.keepFailed
    await this.#query(`select pglite_imports.${keep ? 'keep' : 'give'}_database($1)`, database.name)
    if (keep) this.#tellKept(database)
  }

  #tellKept({ url }: TestDatabase): void {
    console.error(
      `The database of the test that failed is kept: ${url}\nIts server keeps running. Stop it by "kill ${this.#place.pid}".`,
    )
  }

  /** Executes queries one after the other. The session keeps the process running only during a query. */
  #query<Row extends QueryResultRow>(text: string, ...values: unknown[]): Promise<QueryResult<Row>> {
    const result = this.#last.then(async () => {
      this.#session.ref()
      try {
        return await this.#session.query<Row>(text, values)
      } finally {
        this.#session.unref()
      }
    })
    this.#last = result.catch(() => {})
    return result
  }
}

function leaseOf(database: TestDatabase, end: Lease['end']): Lease {
  return { database, end, [Symbol.asyncDispose]: () => end(false) }
}

class TakenDatabase implements TestDatabase {
  #client: Client | undefined

  constructor(
    readonly name: string,
    readonly url: string,
  ) {}

  get client(): Client {
    if (this.#client === undefined) {
      this.#client = new pg.Client(this.url)
      // The session is lost. The next query on it rejects, so nothing is to be done here.
      this.#client.on('error', () => {})
      this.#client.connect().catch(() => {})
    }
    return this.#client
  }

  stream(): Duplex {
    const { hostname, port } = new URL(this.url)
    return connect(Number(port), hostname)
  }

  setNow(now: Now): Promise<void> {
    return setNowInDatabase(this.client, this.name, now)
  }

  async close(): Promise<void> {
    await this.#client?.end().catch(() => {})
  }
}
