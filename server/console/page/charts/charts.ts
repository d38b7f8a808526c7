/** Which charts there are, and the lines in them. */
import { bytes, count } from '../parts/format.js'
import { type Sample, valuesOf } from './metrics.js'

/** A chart: several metrics, or one by a label. */
export interface Chart {
  readonly title: string
  readonly metrics: readonly (readonly [metric: string, label: string])[]
  /** A label whose values have a line each. */
  readonly by?: string
  /** How values are written; those of counters are per second. */
  readonly unit: (value: number) => string
  /** Whether the values are bytes, whose round numbers are powers of two. */
  readonly isBytes?: boolean
}

const perSecond = (value: number) => `${count(value)}/s`
const bytesPerSecond = (value: number) => `${bytes(value)}/s`

export const CHARTS: readonly Chart[] = [
  {
    title: 'Transactions',
    metrics: [
      ['pg_stat_database_xact_commit', 'commits'],
      ['pg_stat_database_xact_rollback', 'rollbacks'],
    ],
    unit: perSecond,
  },
  { title: 'Statements', metrics: [['pglite_statements_total', 'statements']], unit: perSecond },
  {
    title: 'Rows read',
    metrics: [
      ['pg_stat_database_tup_returned', 'by scans'],
      ['pg_stat_database_tup_fetched', 'by index scans'],
    ],
    unit: perSecond,
  },
  {
    title: 'Rows written',
    metrics: [
      ['pg_stat_database_tup_inserted', 'inserted'],
      ['pg_stat_database_tup_updated', 'updated'],
      ['pg_stat_database_tup_deleted', 'deleted'],
    ],
    unit: perSecond,
  },
  { title: 'Sessions', metrics: [['pg_stat_activity_count', '']], by: 'state', unit: count },
  {
    title: 'Blocks',
    metrics: [
      ['pg_stat_database_blks_hit', 'found in shared buffers'],
      ['pg_stat_database_blks_read', 'read from files'],
    ],
    unit: perSecond,
  },
  {
    title: 'WAL',
    metrics: [['pg_stat_wal_wal_bytes', 'written']],
    unit: bytesPerSecond,
    isBytes: true,
  },
  {
    title: 'Network',
    metrics: [
      ['pglite_received_bytes_total', 'received'],
      ['pglite_sent_bytes_total', 'sent'],
    ],
    unit: bytesPerSecond,
    isBytes: true,
  },
  {
    title: 'Memory',
    metrics: [
      ['process_resident_memory_bytes', 'resident'],
      ['pglite_linear_memory_bytes', 'shared linear memory'],
    ],
    unit: bytes,
    isBytes: true,
  },
  {
    title: "Memory of PostgreSQL's processes",
    metrics: [['pglite_process_memory_bytes', '']],
    by: 'type',
    unit: bytes,
    isBytes: true,
  },
  {
    title: 'CPU',
    metrics: [
      ['process_cpu_user_seconds_total', 'user'],
      ['process_cpu_system_seconds_total', 'system'],
    ],
    unit: value => `${count(value * 100)} %`,
  },
  {
    title: 'Temporary files',
    metrics: [['pg_stat_database_temp_bytes', 'written']],
    unit: bytesPerSecond,
    isBytes: true,
  },
]

/** A chart of one metric, by its name. */
export function chartOf(name: string, sample: Sample): Chart {
  const metric = sample.metrics.get(name)
  const isBytes = /bytes/.test(name)
  const unit = isBytes ? bytes : count
  const labels = [...(metric?.values.keys() ?? [])][0] ?? ''
  const [, by] = /^(\w+)=/.exec(labels) ?? []
  return {
    title: metric?.help ?? name,
    metrics: [[name, name]],
    ...(by !== undefined && { by }),
    isBytes,
    unit: metric?.isCounter ? value => `${unit(value)}/s` : unit,
  }
}

/** A line of a chart: a value for each sample, null where there is none. */
export interface Line {
  readonly label: string
  readonly values: readonly (number | null)[]
}

/** The lines of a chart; those of counters are changes per second. */
export function linesOf({ metrics, by }: Chart, samples: readonly Sample[]): Line[] {
  return metrics.flatMap(([name, label]) => {
    const all = samples.map(({ metrics: known }) => valuesOf(known.get(name), by))
    const isCounter = samples.some(({ metrics: known }) => known.get(name)?.isCounter)
    const keys = [...new Set(all.flatMap(values => [...values.keys()]))].sort()
    return keys.map(key => ({
      label: by === undefined ? label : key || 'background',
      values: all.map((values, index) => {
        const now = values.get(key)
        if (!isCounter) return now ?? null
        const [before, seconds] = [
          all[index - 1]?.get(key),
          samples[index]!.time - (samples[index - 1]?.time ?? 0),
        ]
        return now === undefined || before === undefined ? null : Math.max(0, now - before) / seconds
      }),
    }))
  })
}
