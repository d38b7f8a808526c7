/** The statements that are compared: fixed ones for the formats of types, and random ones over functions, operators and tables. */
import type { Random } from '../fixtures/random.js'
import { concrete, EDGES, literal, POLYMORPHIC, typeName } from './values.js'

/** A function or operator of the catalogs. */
export interface Callable {
  readonly name: string
  readonly operator: boolean
  readonly set: boolean
  readonly args: readonly string[]
  readonly result: string
}

/**
 * What can be called: what is immutable, and of what is stable that which depends on settings only. An operator is what its function is.
 */
export const CALLABLES = `
  with f as (
    select p.oid, proname, proargtypes, prorettype, proretset from pg_proc p
    where prokind = 'f' and pronamespace = 'pg_catalog'::regnamespace and provariadic = 0 and pronargs between 1 and 4
      and (provolatile = 'i' or provolatile = 's' and proname ~ '^(to_|date_|age|array_|json|ts|text|interval|timezone|extract|concat|format|quote|overlaps|xpath)')
      and proname !~ '^(pg_(get|stat|logical|replication|ls|read|tablespace|database|relation|total|indexes|table|filenode|describe|identify|encoding_max)|binary_upgrade|ts_stat|query_to|table_to|cursor_to|schema_to|database_to|to_reg|ts_parse|ts_token|ts_debug|hash_numeric_extended)'
  ), types as (
    select f.oid, array_agg(t.typname::text order by i) as args
      from f, unnest(f.proargtypes::oid[]) with ordinality a(type, i) join pg_type t on t.oid = a.type group by 1)
  select quote_ident(proname) as name, false as operator, proretset as set, args, typname::text as result
    from f join types using (oid) join pg_type r on r.oid = prorettype
  union all
  select oprname, true, false, array_remove(array[l.typname::text, r.typname::text], null), t.typname::text
    from pg_operator o join f on f.oid = oprcode left join pg_type l on l.oid = oprleft join pg_type r on r.oid = oprright
    join pg_type t on t.oid = oprresult
  order by 1, 4`

/** How each type is written: as text, in JSON, and in the binary format. */
export function formats(): string[] {
  return Object.entries(EDGES).flatMap(([type, values]) =>
    values.flatMap(value => {
      const made = literal(value, type)
      return [
        `select ${made}`,
        `select to_jsonb(${made}), to_json(array[${made}]), quote_nullable(${made}), row(${made}, 1)`,
        `select ${made}::text::${typeName(type)}::text, pg_column_size(${made}), pg_typeof(${made})`,
      ]
    }),
  )
}

/** Makes random statements; the same seed makes the same ones. */
export class Statements {
  readonly #byResult = new Map<string, Callable[]>()

  constructor(
    readonly random: Random,
    readonly callables: readonly Callable[],
  ) {
    for (const callable of callables)
      if (!callable.set) {
        const known = this.#byResult.get(callable.result) ?? []
        known.push(callable)
        this.#byResult.set(callable.result, known)
      }
  }

  /** A call of each function and operator with values at the edges; undefined if there are none for it. */
  call(callable: Callable): string | undefined {
    const made = this.#called(callable, type => this.#value(type))
    if (made === undefined) return undefined
    return callable.set ? `select r::text from ${made} as r limit 20` : `select ${made}`
  }

  /** A query over tables with values at the edges: joins, groups, windows and sets of expressions. */
  query(): string {
    const type = this.random.one(TABLE_TYPES)
    const [a, b] = [`t_${type}`, `t_${this.random.one(TABLE_TYPES)}`]
    const expression = (depth: number, result = this.random.one(RESULTS)) =>
      this.#expression(result, depth, type, 'x.v')
    const condition = this.#expression('bool', 3, type, 'x.v')
    switch (this.random.below(5)) {
      case 0:
        return `select x.id, ${expression(3)} as e from ${a} x where ${condition} order by x.id`
      case 1:
        return `select ${expression(2)} as e, count(*), ${this.#aggregate(type)} from ${a} x group by 1 order by 1::text collate "C", 2`
      case 2:
        return `select x.id, y.id, ${expression(2)} as e from ${a} x left join ${b} y on y.id = x.id % 5 and ${condition} order by 1, 2`
      case 3:
        return `select x.id, rank() over w, ${this.#aggregate(type)} over w, lag(${expression(1)}) over (order by x.id) from ${a} x window w as (partition by ${this.#expression('bool', 2, type, 'x.v')} order by x.id) order by 1`
      default:
        return `with c as (select ${expression(2, 'text')} as e, x.id from ${a} x union select v::text, id from ${b}) select e, sum(id), exists (select from ${a} x where ${condition}) from c group by e order by e collate "C"`
    }
  }

  #aggregate(type: string): string {
    const argument = this.#expression(type, 1, type, 'x.v')
    return this.random.one([
      `count(distinct ${argument})`,
      `array_agg(${argument} order by x.id)`,
      `string_agg(${argument}::text, ',' order by x.id)`,
      `jsonb_agg(${argument} order by x.id)`,
      `bool_or(${this.#expression('bool', 1, type, 'x.v')})`,
    ])
  }

  #expression(result: string, depth: number, columnType: string, column: string): string {
    if (depth > 0 && this.random.chance(0.85)) {
      const callables = this.#byResult.get(result)
      const callable = callables && this.random.one(callables)
      const made =
        callable && this.#called(callable, type => this.#expression(type, depth - 1, columnType, column))
      if (made !== undefined) return made
    }
    if (result === columnType && this.random.chance(0.7)) return column
    if (depth > 0 && this.random.chance(0.2))
      return `case when ${this.#expression('bool', depth - 1, columnType, column)} then ${this.#value(result)} else ${this.#value(result)} end`
    return this.#value(result)
  }

  #called(callable: Callable, argument: (type: string) => string): string | undefined {
    const { name, operator, args } = callable
    const polymorphic = this.random.one(POLYMORPHIC)
    const types = args.map(type => concrete(type, polymorphic))
    if (types.some(type => type === undefined)) return undefined
    const made = types.map(type => argument(type!))
    if (!operator) {
      const call = `${name}(${made.join(', ')})`
      return isComparison(callable) ? `sign(${call})::int4` : call
    }
    return made.length === 1
      ? `(operator(pg_catalog.${name}) ${made[0]})`
      : `(${made[0]} operator(pg_catalog.${name}) ${made[1]})`
  }

  #value(type: string): string {
    const values = EDGES[type]
    if (values === undefined || this.random.chance(0.04)) return `null::${typeName(type)}`
    return literal(this.random.one(values), type)
  }
}

/** Whether the sign alone of a result has a meaning: the rest is what `memcmp` returns, which each C library and processor has its own of. */
function isComparison({ name, result, set }: Callable): boolean {
  return !set && result === 'int4' && /cmp|compare/.test(name)
}

const TABLE_TYPES = [
  'int4',
  'int8',
  'float8',
  'numeric',
  'text',
  'date',
  'timestamp',
  'interval',
  'jsonb',
  'inet',
  'bytea',
  'int4range',
  '_int4',
]
const RESULTS = [...TABLE_TYPES, 'bool', 'timestamptz', 'bpchar', 'varbit', 'uuid', 'tsvector', 'point']

/** The tables that query() reads. */
export const TABLES = TABLE_TYPES.map(type => {
  const rows = [...EDGES[type]!.map(value => literal(value, type)), `null::${typeName(type)}`]
  const values = rows.map((row, i) => `(${i}, ${row})`).join(', ')
  return `create table t_${type} as select id, v from (values ${values}) t(id, v)`
})
