/** PostgreSQL's statistics, as its views have them. */

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

/** Milliseconds to wait for an answer, and for which an answer is used again. */
export const PATIENCE = 5000
export const FRESH = 1000

/** One Query message that asks for all of them. */
export const STATISTICS_QUERY = Object.values(QUERIES).join(';')

/** @param results of STATISTICS_QUERY: one for each view, of rows with all values as text */
export function statisticsFrom(results: readonly { readonly rows: readonly unknown[] }[]): Statistics {
  const views = Object.keys(QUERIES) as (keyof typeof QUERIES)[]
  const entries = views.map((view, i) => [view, results[i]!.rows as Row[]] as const)
  return Object.fromEntries(entries) as Record<keyof typeof QUERIES, Row[]>
}

/** @throws Error when the statistics do not arrive in time */
export async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`PostgreSQL did not answer within ${PATIENCE} ms`)), PATIENCE)
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
