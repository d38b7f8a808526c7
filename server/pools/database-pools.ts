/**
 * Keeps clones of databases ready, for tests that want one each. Which pools there are, and what becomes of a clone, stands in
 * tables (schema.ts), so that clients of any language take part. Here is who clones and drops: one session for each
 * of the two, which work while there is something to do and are woken by a notification.
 */
import type { Duplex } from 'node:stream'
import pg, { type Client } from 'pg'
import { CHANNEL, POOL_SCHEMA } from './schema.js'

/** Milliseconds until a clone that failed is tried again. */
const PATIENCE = 500

/** PostgreSQL's NAMEDATALEN, without the number that a clone has at its end. */
const LONGEST_PREFIX = 52

/** Whose pool has too few, and which generation they are to be of. */
const WANTED = `select template, generation from pglite_imports.pool p
  where size > (select count(*) from pglite_imports.database d where d.template = p.template and d.state = 'ready')
  order by failure nulls first limit 1`

/** What was cloned while the template changed is of no use. */
const FINISH = `update pglite_imports.database d set state = case when exists
    (select from pglite_imports.pool p where p.template = d.template and p.generation = d.generation)
  then 'ready' else 'given' end where name = $1`

const GIVEN = "select name from pglite_imports.database where state = 'given' and name <> all($1) limit 1"

interface Wanted {
  template: string
  generation: number
}

export class DatabasePools {
  readonly #connect: () => Duplex
  readonly #user: string
  readonly #sessions = new Set<Client>()
  #cloner: Client | undefined
  #dropper: Client | undefined
  readonly #cloning = new Work(session => this.#clone(session))
  readonly #dropping = new Work(session => this.#drop(session))
  /** Databases that could not be dropped, until they are tried again. */
  readonly #undroppable = new Set<string>()
  /** The generation of each template that has been prepared. */
  readonly #prepared = new Map<string, number>()
  #number = 0
  #closed = false

  /**
   * @param connect makes a connection to the server
   * @param user a superuser; its password is taken from PGPASSWORD where pg_hba.conf wants one for local connections
   * @throws Error in PostgreSQL's words
   */
  static async open(connect: () => Duplex, user: string): Promise<DatabasePools> {
    const pools = new DatabasePools(connect, user)
    await pools.#open()
    return pools
  }

  private constructor(connect: () => Duplex, user: string) {
    this.#connect = connect
    this.#user = user
  }

  /** Ends the sessions; what is being cloned or dropped stays as it is. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#sessions].map(session => session.end().catch(() => {})))
  }

  async #open(): Promise<void> {
    const [cloner, dropper] = await Promise.all([this.session('postgres'), this.session('postgres')])
    await cloner.query(POOL_SCHEMA)
    // Of a server that has ended: nobody has them any more.
    await cloner.query("update pglite_imports.database set state = 'given' where state <> 'kept'")
    await cloner.query('delete from pglite_imports.pool')
    cloner.on('notification', () => this.#wake())
    await cloner.query(`listen ${CHANNEL}`)
    this.#cloner = cloner
    this.#dropper = dropper
    this.#wake()
  }

  #wake(): void {
    if (this.#closed || this.#cloner === undefined || this.#dropper === undefined) return
    void this.#cloning.wake(this.#cloner)
    void this.#dropping.wake(this.#dropper)
  }

  /**
   * A session of the superuser's in a database, which ends with the pools if nobody has ended it before.
   *
   * @throws Error in PostgreSQL's words
   */
  async session(database: string): Promise<Client> {
    const stream = this.#connect()
    const client = new pg.Client({
      ...{ stream: () => stream, user: this.#user, database, application_name: 'pglite-imports-server' },
    })
    // The server has ended; whoever asks something of the session hears of it.
    client.on('error', () => {})
    await client.connect()
    this.#sessions.add(client.once('end', () => this.#sessions.delete(client)))
    return client
  }

  /** Makes one clone. Returns whether there may be more to do. */
  async #clone(session: Client): Promise<boolean> {
    if (this.#closed) return false
    const { rows } = await session.query<Wanted>(WANTED)
    const [wanted] = rows
    if (wanted === undefined) return false
    const { template, generation } = wanted
    try {
      if (this.#prepared.get(template) !== generation) await this.#prepare(template)
      this.#prepared.set(template, generation)
      await this.#cloneOf(session, wanted)
      await session.query('update pglite_imports.pool set failure = null where failure is not null')
    } catch (error) {
      if (this.#closed) return false
      const failure = (error as Error).message
      await session.query('update pglite_imports.pool set failure = $2 where template = $1', [
        template,
        failure,
      ])
      this.#wakeLater()
      return false
    }
    return true
  }

  #wakeLater(): void {
    setTimeout(() => {
      this.#undroppable.clear()
      this.#wake()
    }, PATIENCE).unref()
  }

  async #cloneOf(session: Client, { template, generation }: Wanted): Promise<void> {
    const name = await this.#freeName(session, template)
    const [clone, source] = [session.escapeIdentifier(name), session.escapeIdentifier(template)]
    await session.query(
      'insert into pglite_imports.database (name, template, generation) values ($1, $2, $3)',
      [...[name, template, generation]],
    )
    try {
      await session.query(`create database ${clone} template ${source} strategy file_copy`)
    } catch (error) {
      await session.query('delete from pglite_imports.database where name = $1', [name])
      throw error
    }
    const { rowCount } = await session.query(FINISH, [name])
    if (rowCount === 1) this.#wake()
  }

  async #freeName(session: Client, template: string): Promise<string> {
    for (;;) {
      const name = `${template.slice(0, LONGEST_PREFIX)}_${++this.#number}`
      const { rowCount } = await session.query('select from pg_database where datname = $1', [name])
      if (rowCount === 0) return name
    }
  }

  /**
   * Leaves nothing in the template that each clone would have to do for itself: hint bits, statistics, and the file by which a session
   * knows the catalogs without reading them (pg_internal.init), which the first session writes.
   */
  async #prepare(template: string): Promise<void> {
    for (const sql of ['vacuum (freeze, analyze)', 'select']) {
      const session = await this.session(template)
      try {
        await session.query(sql)
      } finally {
        await session.end()
      }
    }
  }

  /** Drops one database that was given back. Returns whether there may be more. */
  async #drop(session: Client): Promise<boolean> {
    if (this.#closed) return false
    const { rows } = await session.query<{ name: string }>(GIVEN, [[...this.#undroppable]])
    const [given] = rows
    if (given === undefined) return false
    try {
      await session.query(`drop database if exists ${session.escapeIdentifier(given.name)} with (force)`)
      await session.query('delete from pglite_imports.database where name = $1', [given.name])
    } catch {
      // It has a prepared transaction, say.
      this.#undroppable.add(given.name)
      this.#wakeLater()
    }
    return true
  }
}

/** Something that is done again and again until there is nothing left to do, by one session, once at a time. */
class Work {
  readonly #step: (session: Client) => Promise<boolean>
  #working = false
  #woken = false

  /** @param step returns whether to go on */
  constructor(step: (session: Client) => Promise<boolean>) {
    this.#step = step
  }

  async wake(session: Client): Promise<void> {
    this.#woken = true
    if (this.#working) return
    this.#working = true
    try {
      while (this.#woken) {
        this.#woken = false
        while (await this.#step(session));
      }
    } catch {
      // The session has ended, and with it the server.
    } finally {
      this.#working = false
    }
  }
}
