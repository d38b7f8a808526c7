/**
 * Keeps clones of databases ready, for tests that want one each. Tables (schema.ts) say which pools there are and what becomes of each
 * clone, so clients in any language can use pools. This file clones and drops, with one session for each of the two. A session works
 * while there is something to do, and a notification wakes it.
 */
import type { Duplex } from 'node:stream'
import pg, { type Client } from 'pg'
import { NAMEDATALEN } from '../../wasm/machine/postgres-abi.js'
import { CHANNEL, POOL_SCHEMA } from './schema.js'

/** Milliseconds until a clone that failed is tried again. */
const PATIENCE = 500

/**
 * Milliseconds without a further notification until clones are made and dropped, and the most that this waits: when several clients take
 * databases at the same time, that does not take the processor from them.
 */
const QUIET = 5
const LONGEST_QUIET = 50

/** Room for an underscore and a number, which a clone's name ends with, and for C's NUL. */
const LONGEST_PREFIX = NAMEDATALEN - '_2147483647\0'.length

/** The pools that have too few clones, with the template and its current generation. */
const WANTED = `select template, generation from pglite_imports.pool p
  where size > (select count(*) from pglite_imports.database d where d.template = p.template and d.state = 'ready')
  order by failure nulls first limit 1`

/** Records a new clone, unless the template has changed while it was cloned: then the clone is to be dropped. */
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
  /** Databases that PostgreSQL refused to drop, until the session tries again. */
  readonly #undroppable = new Set<string>()
  /** The generation of each template that has been prepared. */
  readonly #prepared = new Map<string, number>()
  #number = 0
  #closed = false
  #waking: { readonly since: number; readonly timer: NodeJS.Timeout } | undefined

  /**
   * @param connect makes a connection to the server
   * @param user a superuser; PGPASSWORD has its password if pg_hba.conf demands one for local connections
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

  /** Ends the sessions, also in the middle of a clone or a drop. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#sessions].map(session => session.end().catch(() => {})))
  }

  async #open(): Promise<void> {
    const [cloner, dropper] = await Promise.all([this.session('postgres'), this.session('postgres')])
    await cloner.query(POOL_SCHEMA)
    // Clients took these from an earlier server on this cluster, so no client uses them any more.
    await cloner.query("update pglite_imports.database set state = 'given' where state <> 'kept'")
    await cloner.query('delete from pglite_imports.pool')
    cloner.on('notification', () => this.#wakeWhenQuiet())
    await cloner.query(`listen ${CHANNEL}`)
    this.#cloner = cloner
    this.#dropper = dropper
    this.#wake()
  }

  #wakeWhenQuiet(): void {
    const now = performance.now()
    const since = this.#waking?.since ?? now
    clearTimeout(this.#waking?.timer)
    const wake = () => {
      this.#waking = undefined
      this.#wake()
    }
    const timer = setTimeout(wake, Math.min(QUIET, since + LONGEST_QUIET - now)).unref()
    this.#waking = { since, timer }
  }

  #wake(): void {
    if (this.#closed || this.#cloner === undefined || this.#dropper === undefined) return
    void this.#cloning.wake(this.#cloner)
    void this.#dropping.wake(this.#dropper)
  }

  /**
   * Opens a session of the superuser's in a database. It ends with the pools at the latest.
   *
   * @throws Error in PostgreSQL's words
   */
  async session(database: string): Promise<Client> {
    const stream = this.#connect()
    const client = new pg.Client({
      ...{ stream: () => stream, user: this.#user, database, application_name: 'pglite-imports-server' },
    })
    // The server has ended. The next query on this session rejects, so nothing is to be done here.
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
   * Does once in the template what every clone would otherwise do by itself: sets hint bits, collects statistics, and has a first session
   * write pg_internal.init, by which later sessions know the catalogs without reading them.
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
      // For example, the database has a prepared transaction.
      this.#undroppable.add(given.name)
      this.#wakeLater()
    }
    return true
  }
}

/** One session that repeats a step until there is nothing left to do, and again when it is woken. */
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
