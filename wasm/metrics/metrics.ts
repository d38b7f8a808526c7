/**
 * Metrics in Prometheus' format. PostgreSQL's statistics have postgres_exporter's names if it has any for them, so that its
 * dashboards work. What only this server knows is called pglite_*.
 */
import { type MetricType, metricText, type Sample } from './exposition.js'
import type { Answer, Statistics } from './statistics.js'

/** What the host knows without asking PostgreSQL. */
export interface ServerStatus {
  /** Size of the linear memory, in bytes. */
  readonly memory: number
  /** Bytes through connections since the start. */
  readonly received: number
  /** Bytes to clients since the start. */
  readonly sent: number
  /** Client connections since the start that were accepted, and that were refused because there was no room. */
  readonly accepted: number
  /** Client connections since the start that were refused because there was no room. */
  readonly refused: number
  /** Query, Execute and FunctionCall messages that clients have sent since the start. */
  readonly statements: number
  /** Client connections now. */
  readonly connections: number
  /** The processes that run. */
  readonly processes: readonly ProcessMemory[]
}

/** A process and its memory. */
export interface ProcessMemory {
  /** Its PID. */
  readonly pid: number
  /** For example 'backend'. */
  readonly type: string
  /** Bytes of linear memory that belong to it alone. */
  readonly memory: number
}

/** What the host also knows of a server that runs in a Durable Object and starts on demand. */
export interface ObjectStatus {
  /** Whether the server runs, or is suspended. */
  readonly running: boolean
  /** How often it has been started. */
  readonly starts: number
  /** Bytes that the memory may grow to. */
  readonly maxMemory: number
  /** Bytes of the object's storage, other tables included, and how many it may have; undefined without storage. */
  readonly storage: number | undefined
  /** How many bytes the storage may have; undefined without storage. */
  readonly maxSize: number | undefined
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
const OBJECT_NOW: View = {
  metrics: {
    running: ['pglite_running', 'Whether the server runs, or is suspended'],
    maxMemory: ['pglite_linear_memory_limit_bytes', 'Size that the linear memory may grow to'],
  },
}
const OBJECT_TOTALS: View = {
  metrics: { starts: ['pglite_starts_total', 'How often the server has been started'] },
}
const STORAGE: View = {
  metrics: {
    storage: ['pglite_storage_bytes', "Size of the object's storage"],
    maxSize: ['pglite_storage_limit_bytes', 'Size of the storage from which on tables do not grow'],
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

/** The content type of Prometheus' text. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All metrics as text. Without an answer from PostgreSQL its metrics are left out, and pg_up is 0. */
export function metricsText(status: ServerStatus, answer: Answer): string {
  return [...serverMetrics(status), ...answerMetrics(answer)].join('')
}

/** The metrics of an object. While PostgreSQL is suspended, `answer` is undefined, and pg_up is left out. */
export function objectMetricsText(status: ServerStatus & ObjectStatus, answer: Answer | undefined): string {
  return [
    ...serverMetrics(status),
    ...view('gauge', OBJECT_NOW, [{ ...status }]),
    ...view('counter', OBJECT_TOTALS, [{ ...status }]),
    ...(status.storage === undefined ? [] : view('gauge', STORAGE, [{ ...status }])),
    ...(answer === undefined ? [] : answerMetrics(answer)),
  ].join('')
}

function serverMetrics(status: ServerStatus): string[] {
  return [
    ...view('gauge', SERVER_NOW, [{ ...status }]),
    ...view('counter', SERVER_TOTALS, [{ ...status }]),
    ...view(
      'gauge',
      PROCESS,
      status.processes.map(process => ({ ...process })),
    ),
  ]
}

function answerMetrics({ error, statistics }: Answer): string[] {
  const up = view('gauge', UP, [{ up: error === undefined ? 1 : 0 }])
  return statistics === undefined ? up : [...up, ...statisticsMetrics(statistics)]
}

function statisticsMetrics(statistics: Statistics): string[] {
  const { server, activity, database, checkpointer, wal, bgwriter } = statistics
  return [
    ...view('gauge', FACTS, server),
    ...view('counter', WAL_POSITION, server),
    ...view('gauge', ACTIVITY, activity),
    ...view('counter', DATABASE, database),
    ...view('gauge', BACKENDS, database),
    ...view('counter', CHECKPOINTER, checkpointer),
    ...view('counter', WAL, wal),
    ...view('counter', BGWRITER, bgwriter),
  ]
}

/** The metrics of a view. */
function view(type: MetricType, { metrics, labels = [] }: View, rows: readonly Values[]): string[] {
  return Object.entries(metrics).map(([field, [name, help]]) => {
    const samples = rows.map((row): Sample => [labelsOf(row, labels), Number(row[field] ?? 0)])
    return metricText(type, name, help, samples)
  })
}

function labelsOf(row: Values, labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map(label => [label, String(row[label] ?? '')]))
}
