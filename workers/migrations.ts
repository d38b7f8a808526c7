/**
 * Migrations: SQL files that a database executes once each, in their order. A migration is executed in the same transaction that records
 * it, and under a lock, so that several servers or objects that start at the same time execute it once.
 */
import type { Queryable, TransactionOptions } from '../wasm/queries/query.js'

/** The part of drizzle-kit's `meta/_journal.json` that is used here. */
export interface DrizzleJournal {
  /** The migrations in their order. */
  readonly entries: readonly DrizzleJournalEntry[]
}

/** A migration in the journal. */
export interface DrizzleJournalEntry {
  /** The name of the file without `.sql`. */
  readonly tag: string
  /** When it was made, in milliseconds since 1970. */
  readonly when: number
}

/** The migrations of a database. */
export interface Migrations {
  /** SQL by file name, with or without folders and `.sql`. Executed in the order of names, unless there is a journal. */
  readonly files: Readonly<Record<string, string>>
  /**
   * The journal of drizzle-kit, if drizzle-kit has made the files. It says their order, and the database records them in the table of
   * Drizzle's own `migrate()`, drizzle.__drizzle_migrations.
   */
  readonly journal?: DrizzleJournal | undefined
}

interface Migration {
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file. */
  readonly hash: string
  /** When drizzle-kit made the file, by its journal: milliseconds since 1970. */
  readonly when: number
}

interface Statement {
  readonly text: string
  values(migration: Migration): readonly unknown[]
}

/** A table that records migrations. */
interface Records {
  readonly create: string
  /** Returns a row if the migration has been executed, with the hash that its file had then. */
  readonly find: Statement
  readonly insert: Statement
}

const OWN: Records = {
  create: `create schema if not exists migrations;
    create table if not exists migrations.applied (name text primary key, hash text not null, at timestamptz not null default now())`,
  find: {
    text: 'select hash from migrations.applied where name = $1',
    values: ({ name }) => [name],
  },
  insert: {
    text: 'insert into migrations.applied (name, hash) values ($1, $2)',
    values: ({ name, hash }) => [name, hash],
  },
}

/** As drizzle-orm's migrate(), takes a migration for executed if the table has one of the same time or a later one. */
const DRIZZLE: Records = {
  create: `create schema if not exists drizzle;
    create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`,
  find: {
    text: `select coalesce(max(hash) filter (where created_at = $1), $2) as hash
      from drizzle.__drizzle_migrations having max(created_at) >= $1`,
    values: ({ when, hash }) => [when, hash],
  },
  insert: {
    text: 'insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)',
    values: ({ when, hash }) => [hash, when],
  },
}

/** Any number that other programs are not likely to lock. */
const LOCK = 'select pg_advisory_xact_lock(7241093556183)'

interface Pool {
  transaction<T>(use: (session: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>
}

/**
 * Executes the migrations that have not been executed yet.
 *
 * @throws Error that names a file that failed, with PostgreSQL's error as its cause, or that is missing, or that has changed since it was
 *   executed. The files before it have been executed
 */
export async function migrate(pool: Pool, migrations: Migrations): Promise<void> {
  const records = migrations.journal === undefined ? OWN : DRIZZLE
  const list = await listOf(migrations)
  await pool.transaction(async session => {
    await session.query(LOCK)
    await session.query(records.create)
  })
  for (const migration of list) {
    const { name, sql, hash } = migration
    await pool.transaction(async session => {
      await session.query(LOCK)
      const { find, insert } = records
      const [done] = (await session.query<{ hash: string }>(find.text, find.values(migration))).rows
      if (done !== undefined) {
        if (done.hash === hash) return
        throw new Error(
          `migration "${name}" has changed since it was executed: undo the change, and add another migration`,
        )
      }
      await session.query(sql).catch(cause => {
        throw Object.assign(new Error(`migration "${name}" fails: ${(cause as Error).message}`, { cause }), {
          code: (cause as { code?: string }).code,
        })
      })
      await session.query(insert.text, insert.values(migration))
    })
  }
}

async function listOf({ files, journal }: Migrations): Promise<Migration[]> {
  const byName = new Map(Object.entries(files).map(([path, sql]) => [nameOf(path), sql]))
  const entries = journal?.entries ?? [...byName.keys()].sort().map(tag => ({ tag, when: 0 }))
  return Promise.all(
    entries.map(async ({ tag, when }) => {
      const sql = byName.get(tag)
      if (sql === undefined) throw new Error(`migration "${tag}" is in the journal, but not among the files`)
      return { name: tag, sql, hash: await sha256(sql), when }
    }),
  )
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/\.sql$/, '')

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('')
}
