/** What a database has that statements can be made of: types with values, tables and views, functions, operators and casts. */
import type { Side } from '../servers.js'
import { EDGES } from '../values.js'

export interface Type {
  readonly oid: string
  /** As SQL names it. */
  readonly name: string
  /** Of an array, its elements' type; of a range, its bounds' type. */
  readonly element: string | undefined
  readonly kind: 'scalar' | 'array' | 'range' | 'pseudo'
  /** What stands for a polymorphic type: `anyelement`, … */
  readonly polymorphic: string | undefined
  /** Literals, cast to the type. */
  readonly values: readonly string[]
}

export interface Column {
  readonly name: string
  readonly type: string
}

export interface Relation {
  readonly name: string
  /** As in pg_class.relkind. */
  readonly kind: string
  readonly system: boolean
  readonly rows: number
  readonly columns: readonly Column[]
  /** Whether rows may be written: to a table, or to a view that passes them on. */
  readonly writable: boolean
}

/** A function, aggregate or operator. */
export interface Callable {
  readonly name: string
  readonly kind: 'function' | 'operator' | 'aggregate' | 'window'
  readonly set: boolean
  readonly args: readonly string[]
  readonly result: string
}

export interface Cast {
  readonly source: string
  readonly target: string
}

export interface Catalog {
  readonly types: ReadonlyMap<string, Type>
  readonly relations: readonly Relation[]
  readonly callables: readonly Callable[]
  readonly casts: readonly Cast[]
}

const TYPES = `
  select t.oid, format_type(t.oid, -1) as name, t.typname, n.nspname = 'pg_catalog' as system, t.typtype,
    nullif(t.typelem, 0) as element, (select rngsubtype from pg_range where rngtypid = t.oid) as bounds,
    t.typsubscript = 'array_subscript_handler'::regproc as is_array,
    (select json_agg(enumlabel) from pg_enum where enumtypid = t.oid) as labels
  from pg_type t join pg_namespace n on n.oid = typnamespace where typisdefined order by t.oid`

/** Left out are those that tell of the server, its files and its sessions rather than of what is in the database. */
const RELATIONS = `
  select c.oid::regclass::text as name, relkind as kind, n.nspname in ('pg_catalog', 'information_schema') as system,
    reltuples as rows, pg_relation_is_updatable(c.oid, true) & 28 = 28 and n.nspname = 'public' and not exists (
      select from pg_attrdef where adrelid = c.oid and pg_get_expr(adbin, adrelid) ~ 'random|clock|now\\(|CURRENT') as writable,
    json_agg(json_build_object('name', quote_ident(attname), 'type', atttypid::text) order by attnum) as columns
  from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
  where relkind in ('r', 'p', 'v', 'm') and relpersistence = 'p' and relispopulated and n.nspname !~ '^pg_(toast|temp)'
    and c.relname !~ '^pg_(stat_|statio_|aios|settings|locks|shmem|backend|cursors|prepared|file_settings|hba|ident|config|available|timezone|dsm|wait|replication|subscription|shadow|authid|largeobject|statistic$|database|control)'
  group by c.oid, n.nspname order by c.oid`

const CALLABLES = `
  with f as (
    select p.oid, n.nspname, proname, proargtypes, prorettype, proretset, prokind from pg_proc p join pg_namespace n on n.oid = pronamespace
    where provariadic = 0 and pronargs <= 4 and prokind in ('f', 'a', 'w') and n.nspname in ('pg_catalog', 'public')
      and (n.nspname <> 'public' or coalesce(prosrc, '') !~* 'sleep|notify|random|clock|now|current_|backend|loop|copy|nextval|lo_')
      and (provolatile <> 'v' or n.nspname = 'public') and not exists (select from pg_aggregate where aggfnoid = p.oid and aggkind <> 'n')
      and proname !~ '^(pg_(?!get_|typeof|index|opclass|relation_is|column_|identify|describe|type_is|function_is|table_is|operator_is|collation_is|statistics_obj_is|ts_)|binary_upgrade|ts_stat|query_to|table_to|cursor_to|schema_to|database_to|to_reg|txid|lo|inet_(client|server)|now$|statement_|transaction_|version|current|session|getdatabase|has_|row_security|shobj|hash_numeric_extended|in_|.*_(in|out|recv|support|transfn|serialize|deserialize|combine|accum|final)$|.*(sel|penalty|picksplit)$|amvalidate|gin|gist|spg|brin|bt|hash$)'
      and prorettype <> 'refcursor'::regtype
      and not (proname ~ 'age$' and 'xid'::regtype = any(proargtypes::oid[]))
      and proname !~ '^pg_get_(backend|wal|shmem|aios|replication|multixact|publication|dsm|process|keywords|loaded|sequence)|infinite|recurs'
  )
  select case when nspname = 'public' then 'public.' else '' end || quote_ident(proname) as name,
    case prokind when 'a' then 'aggregate' when 'w' then 'window' else 'function' end as kind, proretset as set,
    proargtypes::oid[]::text[] as args, prorettype::text as result from f
  union all
  select format('operator(%I.%s)', n.nspname, oprname), 'operator', false, array_remove(array[nullif(oprleft, 0), oprright]::text[], null), oprresult::text
    from pg_operator o join f on f.oid = oprcode join pg_namespace n on n.oid = oprnamespace
  order by 1, 4, 2`

const CASTS = `select castsource::text as source, casttarget::text as target from pg_cast where castcontext <> 'x' or castmethod <> 'b' order by 1, 2`

/** Literals of each type that stand in the columns of tables. */
const HARVEST = (relation: Relation) =>
  `select json_build_array(${relation.columns
    .map(
      ({ name }) =>
        `(select json_agg(v) from (select distinct ${name}::text collate "C" as v from ${relation.name} where length(${name}::text) < 60 order by 1 limit 4) s)`,
    )
    .join(', ')})`

export async function readCatalog(side: Side): Promise<Catalog> {
  const relations = await rowsOf<Relation>(side, RELATIONS)
  const found = new Map<string, Set<string>>()
  for (const relation of relations.filter(({ system }) => !system)) {
    const answer = await side.answer(HARVEST(relation))
    // Some views call functions that fail.
    if (!('rows' in answer)) continue
    const columns = JSON.parse(answer.rows[0]![0]!) as (string[] | null)[]
    relation.columns.forEach(({ type }, i) => {
      const values = found.get(type) ?? new Set()
      for (const value of columns[i] ?? []) if (value !== null && values.size < 30) values.add(value)
      found.set(type, values)
    })
  }
  const types = (await rowsOf<TypeRow>(side, TYPES)).map(row => typeOf(row, found.get(String(row.oid))))
  return {
    types: new Map(types.map(type => [type.oid, type])),
    relations: relations.filter(({ columns }) => columns.length > 0),
    callables: await rowsOf<Callable>(side, CALLABLES),
    casts: await rowsOf<Cast>(side, CASTS),
  }
}

interface TypeRow {
  readonly oid: number
  readonly name: string
  readonly typname: string
  readonly system: boolean
  readonly typtype: string
  readonly element: number | null
  readonly bounds: number | null
  readonly is_array: boolean
  readonly labels: readonly string[] | null
}

function typeOf(row: TypeRow, found: ReadonlySet<string> = new Set()): Type {
  const { name, typname, system, typtype, bounds } = row
  const isArray = row.is_array && row.element !== null
  const texts = [...found, ...(row.labels ?? []), ...((system && EDGES[typname]) || [])]
  const element = isArray ? row.element : bounds
  return {
    oid: String(row.oid),
    name,
    element: element === null ? undefined : String(element),
    kind: typtype === 'p' ? 'pseudo' : isArray ? 'array' : bounds !== null ? 'range' : 'scalar',
    polymorphic: typtype === 'p' && /^any/.test(typname) ? typname : undefined,
    values: texts.map(text => `'${text.replaceAll("'", "''")}'::${name}`),
  }
}

async function rowsOf<T>(side: Side, query: string): Promise<T[]> {
  const answer = await side.answer(`select coalesce(json_agg(q), '[]') from (${query}) q`)
  if (!('rows' in answer)) throw new Error(`${query}: ${answer.message}`)
  return JSON.parse(answer.rows[0]![0]!) as T[]
}
