/**
 * Metrics in Prometheus' format. What PostgreSQL counts has the names that postgres_exporter gives it where that has one,
 * so that dashboards made for it work; what only this server knows is called pglite_*.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Answer, Row, Statistics } from './statistics.js'

/** What the server knows without asking PostgreSQL. */
export interface ServerStatus {
  /** Bytes of linear memory, all of it. */
  readonly memory: number
  /** Bytes through connections. */
  readonly received: number
  readonly sent: number
  /** Client connections since the start, and those that were turned away because there was no room. */
  readonly accepted: number
  readonly refused: number
  /** Statements that clients have sent. */
  readonly statements: number
  /** Now. */
  readonly connections: number
  readonly processes: Iterable<{ readonly pid: number; readonly type: string; readonly memory: number }>
}

/** Fields of one view: what each is called as a metric, and what it tells. */
type Fields = Readonly<Record<string, string>>

const DATABASE: Fields = {
  xact_commit: 'Transactions that were committed',
  xact_rollback: 'Transactions that were rolled back',
  blks_read: 'Blocks that were read from files',
  blks_hit: 'Blocks that were found in shared buffers',
  tup_returned: 'Live rows that scans fetched, and index entries',
  tup_fetched: 'Live rows that index scans fetched',
  tup_inserted: 'Rows inserted',
  tup_updated: 'Rows updated',
  tup_deleted: 'Rows deleted',
  conflicts: 'Queries cancelled by recovery',
  temp_files: 'Temporary files made by queries',
  temp_bytes: 'Bytes written to temporary files by queries',
  deadlocks: 'Deadlocks detected',
  sessions: 'Sessions begun',
  sessions_fatal: 'Sessions ended by fatal errors',
  sessions_killed: 'Sessions ended by an operator',
  checksum_failures: 'Blocks whose checksum was wrong',
}
const CHECKPOINTER: Fields = {
  num_timed: 'Checkpoints because of checkpoint_timeout',
  num_requested: 'Checkpoints that were requested',
  num_done: 'Checkpoints that were carried out',
  write_time: 'Seconds spent writing files in checkpoints',
  sync_time: 'Seconds spent synchronising files in checkpoints',
  buffers_written: 'Buffers written in checkpoints',
}
const WAL: Fields = {
  wal_records: 'WAL records written',
  wal_fpi: 'Full page images written to WAL',
  wal_bytes: 'Bytes of WAL written',
  wal_buffers_full: 'Times that WAL was written because its buffers were full',
}
const BGWRITER: Fields = {
  buffers_clean: 'Buffers written by the background writer',
  maxwritten_clean: 'Times that the background writer stopped because it had written too many buffers',
  buffers_alloc: 'Buffers allocated',
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** All metrics of now, as text. Those of PostgreSQL are left out, and pg_up is 0, when it could not be asked. */
export async function metricsText(status: ServerStatus, answer: Answer): Promise<string> {
  const registry = new Registry()
  addServer(registry, status)
  gauge(
    registry,
    'pg_up',
    'Whether PostgreSQL could be asked for its statistics',
    answer.error === undefined ? 1 : 0,
  )
  if (answer.statistics !== undefined) addStatistics(registry, answer.statistics)
  return `${await registry.metrics()}\n${await processMetrics.metrics()}`
}

/** Of Node's process: CPU, resident memory, file descriptors, the event loop's delay. */
const processMetrics = new Registry()
collectDefaultMetrics({ register: processMetrics })

function addServer(registry: Registry, status: ServerStatus): void {
  gauge(
    registry,
    'pglite_linear_memory_bytes',
    'Size of the linear memory that all processes share',
    status.memory,
  )
  counter(registry, 'pglite_received_bytes_total', 'Bytes from clients and other servers', status.received)
  counter(registry, 'pglite_sent_bytes_total', 'Bytes to clients and other servers', status.sent)
  counter(
    registry,
    'pglite_connections_accepted_total',
    'Client connections since the start',
    status.accepted,
  )
  counter(
    registry,
    'pglite_connections_refused_total',
    'Connections turned away for want of room',
    status.refused,
  )
  counter(registry, 'pglite_statements_total', 'Query, Execute and FunctionCall messages', status.statements)
  gauge(registry, 'pglite_connections', 'Client connections now', status.connections)
  const memory = new Gauge({
    name: 'pglite_process_memory_bytes',
    help: 'Linear memory that one process of PostgreSQL has for itself',
    labelNames: ['pid', 'type'],
    registers: [registry],
  })
  for (const { pid, type, memory: bytes } of status.processes) memory.set({ pid, type }, bytes)
}

function addStatistics(registry: Registry, statistics: Statistics): void {
  const { server, activity, database, checkpointer, wal, bgwriter } = statistics
  const [facts = {}] = server
  gauge(
    registry,
    'pg_postmaster_start_time_seconds',
    'When the postmaster was started',
    number(facts.start_time),
  )
  gauge(registry, 'pg_replication_is_replica', 'Whether the server is in recovery', number(facts.in_recovery))
  gauge(registry, 'pg_settings_max_connections', 'max_connections', number(facts.max_connections))
  counter(
    registry,
    'pg_wal_position_bytes',
    'Position in the WAL, written or replayed',
    number(facts.wal_position),
  )
  const labels = ['datname', 'state', 'backend_type']
  const registers = [registry]
  const count = new Gauge({
    name: 'pg_stat_activity_count',
    help: 'Sessions by state',
    labelNames: labels,
    registers,
  })
  const longest = new Gauge({
    name: 'pg_stat_activity_max_tx_duration',
    help: 'Seconds that the longest transaction has taken so far',
    labelNames: labels,
    registers,
  })
  for (const row of activity) {
    const { datname, state, backend_type } = row
    const of = { datname: datname ?? '', state: state ?? '', backend_type: backend_type ?? '' }
    count.set(of, number(row.count))
    longest.set(of, number(row.max_tx_duration))
  }
  addView(registry, Counter, 'pg_stat_database', DATABASE, database, ['datname'])
  addView(registry, Gauge, 'pg_stat_database', { numbackends: 'Sessions now' }, database, ['datname'])
  addView(registry, Counter, 'pg_stat_checkpointer', CHECKPOINTER, checkpointer, [])
  addView(registry, Counter, 'pg_stat_wal', WAL, wal, [])
  addView(registry, Counter, 'pg_stat_bgwriter', BGWRITER, bgwriter, [])
}

/** A metric for each field of a view; what only grows is a Counter. Both are 0 before they are increased. */
function addView(
  registry: Registry,
  Metric: typeof Counter<string> | typeof Gauge<string>,
  view: string,
  fields: Fields,
  rows: readonly Row[],
  keys: string[],
): void {
  for (const [field, help] of Object.entries(fields)) {
    const metric = new Metric({ name: `${view}_${field}`, help, labelNames: keys, registers: [registry] })
    for (const row of rows) metric.inc(labelsOf(row, keys), number(row[field]))
  }
}

function labelsOf(row: Row, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map(key => [key, row[key] ?? '']))
}

function gauge(registry: Registry, name: string, help: string, value: number): void {
  new Gauge({ name, help, registers: [registry] }).set(value)
}

function counter(registry: Registry, name: string, help: string, value: number): void {
  new Counter({ name, help, registers: [registry] }).inc(value)
}

function number(text: string | null | undefined): number {
  return Number(text ?? 0)
}
