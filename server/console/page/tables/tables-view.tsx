/** Tables and indexes with their sizes, rows and last vacuums. */
import { useState } from 'preact/hooks'
import type { Observer, Row } from '../connection/observer.js'
import { bytes, count } from '../parts/format.js'
import { Page } from '../parts/page.js'
import { usePolled } from '../parts/polling.js'
import { type SortableColumn, SortableTable } from '../parts/sortable-table.js'

const INTERVAL = 10_000

/** The tables that are asked for: the largest ones. */
const MOST = 1000

/** Tables and indexes whose sizes and definitions cannot be asked for without waiting for somebody's lock. */
const LOCKED = `with locked as (select distinct relation from pg_locks where mode = 'AccessExclusiveLock'
  and database = (select oid from pg_database where datname = current_database()))`

const TABLES = `${LOCKED} select s.schemaname as schema, s.relname as name, s.relid as id, greatest(c.reltuples, 0) as estimated,
  s.n_live_tup as live, s.n_dead_tup as dead, s.seq_scan, coalesce(s.idx_scan, 0) as idx_scan,
  case when l.relation is null then pg_total_relation_size(s.relid) end as total, case when l.relation is null then pg_table_size(s.relid) end as own,
  case when l.relation is null then pg_indexes_size(s.relid) end as indexes,
  to_char(greatest(s.last_vacuum, s.last_autovacuum), 'YYYY-MM-DD HH24:MI:SS') as vacuumed,
  to_char(greatest(s.last_analyze, s.last_autoanalyze), 'YYYY-MM-DD HH24:MI:SS') as analyzed
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid left join locked l on l.relation = s.relid
  order by total desc nulls last limit ${MOST}`

const INDEXES = `${LOCKED} select s.schemaname as schema, s.relname as table, s.indexrelname as name, s.indexrelid as id,
  case when l.relation is null then pg_relation_size(s.indexrelid) end as size, s.idx_scan as scans, s.idx_tup_read as read, i.indisvalid as valid,
  case when i.indisprimary then 'primary key' when i.indisunique then 'unique' else '' end as kind, 
  case when l.relation is null then pg_get_indexdef(s.indexrelid) end as definition
  from pg_stat_user_indexes s join pg_index i using (indexrelid)
  left join lateral (select relation from locked where relation in (s.relid, s.indexrelid) limit 1) l on true
  order by size desc nulls last limit ${MOST}`

async function tablesOf(observer: Observer) {
  const [tables, indexes] = await Promise.all([observer.rows(TABLES), observer.rows(INDEXES)])
  return { tables, indexes }
}

type Columns = readonly SortableColumn<Row>[]

const text = (name: string, field = name): SortableColumn<Row> => ({
  name,
  by: row => row[field] ?? '',
  show: row => row[field],
})
const number = (
  name: string,
  field: string,
  show: (value: number) => string = count,
): SortableColumn<Row> => ({
  name,
  by: row => Number(row[field]),
  show: row => (row[field] === null ? <i class="muted">locked</i> : show(Number(row[field]))),
  numeric: true,
})

const TABLE_COLUMNS: Columns = [
  text('schema'),
  { ...text('name'), class: 'name' },
  number('size', 'total', bytes),
  number('table', 'own', bytes),
  number('indexes', 'indexes', bytes),
  { ...number('rows', 'live'), by: rowsOf, show: row => count(rowsOf(row)) },
  {
    ...number('dead rows', 'dead'),
    show: row => <span class={isBloated(row) ? 'warning' : ''}>{count(Number(row.dead))}</span>,
  },
  number('seq. scans', 'seq_scan'),
  number('index scans', 'idx_scan'),
  { ...text('last vacuum', 'vacuumed'), show: row => row.vacuumed ?? <i class="muted">never</i> },
  { ...text('last analyze', 'analyzed'), show: row => row.analyzed ?? <i class="muted">never</i> },
]

const INDEX_COLUMNS: Columns = [
  text('schema'),
  text('table'),
  { ...text('name'), class: 'name' },
  text('kind'),
  number('size', 'size', bytes),
  {
    ...number('scans', 'scans'),
    show: row => <span class={row.scans === '0' ? 'muted' : ''}>{count(Number(row.scans))}</span>,
  },
  number('entries read', 'read'),
  {
    ...text('definition'),
    show: row => <code title={row.definition ?? ''}>{row.definition}</code>,
    class: 'query',
  },
  { ...text('valid'), show: row => (row.valid === 't' ? 'yes' : <span class="warning">no</span>) },
]

/** The statistics' count, or the planner's estimate after statistics were reset. */
function rowsOf(row: Row): number {
  return Number(row.live) || Number(row.estimated)
}

/** Whether a fifth of its rows are dead, as many as autovacuum waits for. */
function isBloated({ live, dead }: Row): boolean {
  return Number(dead) > 50 + 0.2 * Number(live)
}

export function TablesView({ active }: { active: boolean }) {
  const [filter, setFilter] = useState('')
  const { value, error, again } = usePolled(tablesOf, INTERVAL, active)
  const matches = (row: Row) => `${row.schema}.${row.table ?? ''}.${row.name}`.includes(filter)
  const { tables = [], indexes = [] } = value ?? {}
  const empty = value === undefined ? 'loading …' : 'There are none in this database.'
  return (
    <Page error={error}>
      <div class="heading">
        <h2>Tables</h2>
        <label>
          Filter{' '}
          <input type="search" value={filter} onInput={event => setFilter(event.currentTarget.value)} />
        </label>
        <button type="button" class="small" onClick={again}>
          Refresh
        </button>
      </div>
      <SortableTable
        label="Tables"
        columns={TABLE_COLUMNS}
        rows={tables.filter(matches)}
        keyOf={({ id }) => id!}
        sorted={['size', true]}
        empty={empty}
      />
      <h2>Indexes</h2>
      <SortableTable
        label="Indexes"
        columns={INDEX_COLUMNS}
        rows={indexes.filter(matches)}
        keyOf={({ id }) => id!}
        sorted={['size', true]}
        empty={empty}
      />
    </Page>
  )
}
