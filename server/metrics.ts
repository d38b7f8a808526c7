/**
 * Metrics in Prometheus' format. PostgreSQL's statistics have postgres_exporter's names if it has any for them, so that its
 * dashboards work. What only this server knows is called pglite_*.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Answer, Statistics } from './statistics.js'

/** What the host knows without asking PostgreSQL. */
export interface ServerStatus {
  /** Size of the linear memory, in bytes. */
  readonly memory: number
  /** Bytes through connections since the start. */
  readonly received: number
  readonly sent: number
  /** Client connections since the start that were accepted, and that were refused because there was no room. */
  readonly accepted: number
  readonly refused: number
  /** Query, Execute and FunctionCall messages that clients have sent since the start. */
  readonly statements: number
  /** Client connections now. */
  readonly connections: number
  readonly processes: Iterable<{ readonly pid: number; readonly type: string; readonly memory: number }>
}

/** A row: values by the names of fields and labels. */
type Values = Readonly<Record<string, unknown>>

/** Which metrics are made from the fields of rows. */
interface View {
  /** Fields that distinguish rows: the metrics' labels. */
  readonly labels?: readonly string[]
  /** By field. */
  readonly metrics: Readonly<Record<string, readonly [name: string, help: string]>>
}

const UP: View = {
  metrics: { up: ['pg_up', 'Whether PostgreSQL has answered the query for its statistics'] },
}
const SERVER_NOW: View = {
  metrics: {
    memory: ['pglite_linear_memory_bytes', 'Size of the linear memory that all processes share'],
    connections: ['pglite_connections', 'Client connections now'],
  },
}
const SERVER_TOTALS: View = {
  metrics: {
    received: ['pglite_received_bytes_total', 'Bytes from clients and other servers'],
    sent: ['pglite_sent_bytes_total', 'Bytes to clients and other servers'],
    accepted: ['pglite_connections_accepted_total', 'Client connections since the start'],
    refused: ['pglite_connections_refused_total', 'Client connections refused because there was no room'],
    statements: ['pglite_statements_total', 'Query, Execute and FunctionCall messages'],
  },
}
const PROCESS: View = {
  labels: ['pid', 'type'],
  metrics: {
    memory: ['pglite_process_memory_bytes', 'Linear memory that belongs to one PostgreSQL process alone'],
  },
}
const FACTS: View = {
  metrics: {
    start_time: ['pg_postmaster_start_time_seconds', 'Start time of the postmaster'],
    in_recovery: ['pg_replication_is_replica', 'Whether the server is in recovery'],
    max_connections: ['pg_settings_max_connections', 'max_connections'],
  },
}
const WAL_POSITION: View = {
  metrics: { wal_position: ['pg_wal_position_bytes', 'Position in the WAL, written or replayed'] },
}
const ACTIVITY: View = {
  labels: ['datname', 'state', 'backend_type'],
  metrics: {
    count: ['pg_stat_activity_count', 'Sessions by state'],
    max_tx_duration: [
      'pg_stat_activity_max_tx_duration',
      'Duration of the longest running transaction in seconds',
    ],
  },
}
const DATABASE: View = {
  labels: ['datname'],
  metrics: {
    xact_commit: ['pg_stat_database_xact_commit', 'Transactions committed'],
    xact_rollback: ['pg_stat_database_xact_rollback', 'Transactions rolled back'],
    blks_read: ['pg_stat_database_blks_read', 'Blocks read from files'],
    blks_hit: ['pg_stat_database_blks_hit', 'Blocks found in shared buffers'],
    tup_returned: ['pg_stat_database_tup_returned', 'Live rows that scans fetched, and index entries'],
    tup_fetched: ['pg_stat_database_tup_fetched', 'Live rows that index scans fetched'],
    tup_inserted: ['pg_stat_database_tup_inserted', 'Rows inserted'],
    tup_updated: ['pg_stat_database_tup_updated', 'Rows updated'],
    tup_deleted: ['pg_stat_database_tup_deleted', 'Rows deleted'],
    conflicts: ['pg_stat_database_conflicts', 'Queries cancelled by recovery'],
    temp_files: ['pg_stat_database_temp_files', 'Temporary files made by queries'],
    temp_bytes: ['pg_stat_database_temp_bytes', 'Bytes written to temporary files by queries'],
    deadlocks: ['pg_stat_database_deadlocks', 'Deadlocks detected'],
    sessions: ['pg_stat_database_sessions', 'Sessions begun'],
    sessions_fatal: ['pg_stat_database_sessions_fatal', 'Sessions ended by fatal errors'],
    sessions_killed: ['pg_stat_database_sessions_killed', 'Sessions ended by an operator'],
    checksum_failures: ['pg_stat_database_checksum_failures', 'Blocks whose checksum was wrong'],
  },
}
const BACKENDS: View = {
  labels: ['datname'],
  metrics: { numbackends: ['pg_stat_database_numbackends', 'Sessions now'] },
}
const CHECKPOINTER: View = {
  metrics: {
    num_timed: ['pg_stat_checkpointer_num_timed', 'Checkpoints because of checkpoint_timeout'],
    num_requested: ['pg_stat_checkpointer_num_requested', 'Checkpoints that were requested'],
    num_done: ['pg_stat_checkpointer_num_done', 'Checkpoints that were carried out'],
    write_time: ['pg_stat_checkpointer_write_time', 'Seconds spent writing files in checkpoints'],
    sync_time: ['pg_stat_checkpointer_sync_time', 'Seconds spent synchronising files in checkpoints'],
    buffers_written: ['pg_stat_checkpointer_buffers_written', 'Buffers written in checkpoints'],
  },
}
const WAL: View = {
  metrics: {
    wal_records: ['pg_stat_wal_wal_records', 'WAL records written'],
    wal_fpi: ['pg_stat_wal_wal_fpi', 'Full page images written to WAL'],
    wal_bytes: ['pg_stat_wal_wal_bytes', 'Bytes of WAL written'],
    wal_buffers_full: [
      'pg_stat_wal_wal_buffers_full',
      'Times that WAL was written because its buffers were full',
    ],
  },
}
const BGWRITER: View = {
  metrics: {
    buffers_clean: ['pg_stat_bgwriter_buffers_clean', 'Buffers written by the background writer'],
    maxwritten_clean: [
      'pg_stat_bgwriter_maxwritten_clean',
      'Times that the background writer stopped because it had written too many buffers',
    ],
    buffers_alloc: ['pg_stat_bgwriter_buffers_alloc', 'Buffers allocated'],
  },
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** All metrics as text. Without an answer from PostgreSQL its metrics are left out, and pg_up is 0. */
export async function metricsText(status: ServerStatus, answer: Answer): Promise<string> {
  const registry = new Registry()
  addServer(registry, status)
  addView(registry, Gauge, UP, [{ up: answer.error === undefined ? 1 : 0 }])
  if (answer.statistics !== undefined) addStatistics(registry, answer.statistics)
  return `${await registry.metrics()}\n${await processMetrics.metrics()}`
}

/** Metrics of Node's process: CPU, resident memory, file descriptors, the event loop's delay. */
const processMetrics = new Registry()
collectDefaultMetrics({ register: processMetrics })

function addServer(registry: Registry, status: ServerStatus): void {
  addView(registry, Gauge, SERVER_NOW, [{ ...status }])
  addView(registry, Counter, SERVER_TOTALS, [{ ...status }])
  addView(registry, Gauge, PROCESS, status.processes)
}

function addStatistics(registry: Registry, statistics: Statistics): void {
  const { server, activity, database, checkpointer, wal, bgwriter } = statistics
  addView(registry, Gauge, FACTS, server)
  addView(registry, Counter, WAL_POSITION, server)
  addView(registry, Gauge, ACTIVITY, activity)
  addView(registry, Counter, DATABASE, database)
  addView(registry, Gauge, BACKENDS, database)
  addView(registry, Counter, CHECKPOINTER, checkpointer)
  addView(registry, Counter, WAL, wal)
  addView(registry, Counter, BGWRITER, bgwriter)
}

/** Adds the metrics of a view. A new Counter or Gauge is 0, so inc() sets it. */
function addView(
  registry: Registry,
  Metric: typeof Counter<string> | typeof Gauge<string>,
  { metrics, labels = [] }: View,
  rows: Iterable<Values>,
): void {
  for (const [field, [name, help]] of Object.entries(metrics)) {
    const metric = new Metric({ name, help, labelNames: [...labels], registers: [registry] })
    for (const row of rows) metric.inc(labelsOf(row, labels), Number(row[field] ?? 0))
  }
}

function labelsOf(row: Values, labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map(label => [label, String(row[label] ?? '')]))
}
