/**
 * Asks PostgreSQL for its statistics, for /ready and /metrics. The cost is bounded: there is one question at a time, its
 * answer is used for a second, and there is a time limit.
 *
 * Each question has a session of its own, which takes a few milliseconds. A session that stayed would take a client's place, and
 * would make a smart shutdown and DROP DATABASE wait. A superuser's session gets in when clients have used up max_connections.
 */
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { withHint } from '../wasm/cluster/superuser.js'

/** Milliseconds until a question is given up, and for which an answer is used. */
const PATIENCE = 5000
const FRESH = 1000

/** Queries of PostgreSQL's views. */
const QUERIES = {
  server: `select pg_is_in_recovery()::int in_recovery, extract(epoch from pg_postmaster_start_time()) start_time,
    current_setting('max_connections') max_connections, current_setting('server_version') version,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0' wal_position`,
  activity: `select coalesce(datname, '') datname, coalesce(state, '') state, backend_type, count(*) count,
    coalesce(max(extract(epoch from now() - xact_start)), 0) max_tx_duration
    from pg_stat_activity where pid <> pg_backend_pid() group by 1, 2, 3`,
  database: `select datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched,
    tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks, sessions, sessions_fatal,
    sessions_killed, checksum_failures from pg_stat_database where datname is not null`,
  checkpointer: `select num_timed, num_requested, num_done, write_time / 1000 write_time, sync_time / 1000 sync_time,
    buffers_written from pg_stat_checkpointer`,
  wal: 'select wal_records, wal_fpi, wal_bytes, wal_buffers_full from pg_stat_wal',
  bgwriter: 'select buffers_clean, maxwritten_clean, buffers_alloc from pg_stat_bgwriter',
} as const

/** A row of a view, with all values as text. */
export type Row = Readonly<Record<string, string | null>>
export type Statistics = Readonly<Record<keyof typeof QUERIES, readonly Row[]>>

/** The statistics, or why there are none. */
export type Answer =
  | { readonly statistics: Statistics; readonly error?: undefined }
  | { readonly statistics?: undefined; readonly error: string }

/**
 * Returns a function that asks for the statistics, and that never rejects.
 *
 * @param connect makes a connection to the server
 * @param user a superuser; PGPASSWORD has its password if pg_hba.conf demands one for local connections
 */
export function statisticsOf(connect: () => Duplex, user: string): () => Promise<Answer> {
  let answer: Promise<Answer> | undefined
  return () => {
    answer ??= ask(connect, user).finally(() => setTimeout(() => (answer = undefined), FRESH).unref())
    return answer
  }
}

async function ask(connect: () => Duplex, user: string): Promise<Answer> {
  const stream = connect()
  const client = new pg.Client({
    stream: () => stream,
    user,
    database: 'postgres',
    application_name: 'pglite-imports-server metrics',
    statement_timeout: PATIENCE,
    // Keeps these queries out of the log.
    options: '-c log_statement=none -c log_min_duration_statement=-1',
    types: { getTypeParser: () => (text: string) => text },
  })
  client.on('error', () => {})
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`PostgreSQL did not answer within ${PATIENCE} ms`)), PATIENCE)
  })
  try {
    return { statistics: await Promise.race([read(client), tooLate]) }
  } catch (error) {
    return { error: withHint(error instanceof Error ? error.message : String(error), user) }
  } finally {
    clearTimeout(timer)
    // Ends the session in order, or destroys the stream if the backend is stuck.
    void client.end().catch(() => {})
    setTimeout(() => stream.destroy(), PATIENCE).unref()
  }
}

async function read(client: pg.Client): Promise<Statistics> {
  await client.connect()
  const views = Object.keys(QUERIES) as (keyof typeof QUERIES)[]
  // One Query message with all of them; one result for each view.
  const results = (await client.query(Object.values(QUERIES).join(';'))) as unknown as pg.QueryResult<Row>[]
  return Object.fromEntries(views.map((view, i) => [view, results[i]!.rows])) as Record<
    keyof typeof QUERIES,
    Row[]
  >
}
