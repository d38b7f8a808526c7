/** Random statements over whatever a database has, in the manner of sqlsmith; the same seed makes the same ones. */
import type { Random } from '../../fixtures/random.js'
import type { Catalog, Column, Relation } from './catalog.js'
import { Expressions, type Reference, type Scope } from './expressions.js'

interface Query {
  readonly sql: string
  /** Of its columns c0, c1, … */
  readonly types: readonly string[]
}

/** Rows that an expensive query takes of a table. */
const SOME = 60

/** How often a table is one of the catalogs, or a view of them. */
const SYSTEMS = 0.2

const OID = { bool: '16', int8: '20', int4: '23', text: '25' }

export class Queries {
  readonly expressions: Expressions
  readonly #own: readonly Relation[]
  readonly #system: readonly Relation[]
  readonly #writable: readonly Relation[]
  #aliases = 0
  #systems = SYSTEMS

  constructor(
    readonly random: Random,
    catalog: Catalog,
  ) {
    this.expressions = new Expressions(random, catalog)
    this.expressions.subquery = (type, depth, scope) => this.#scalar(type, depth, scope)
    this.#own = catalog.relations.filter(({ system }) => !system)
    this.#system = catalog.relations.filter(({ system }) => system)
    this.#writable = this.#own.filter(({ writable }) => writable)
  }

  /** Statements to be executed one after the other in a transaction that is rolled back. */
  statements(): string[] {
    this.#aliases = 0
    const { random } = this
    switch (random.below(20)) {
      case 0:
      case 1:
        return [this.#insert()]
      case 2:
      case 3:
        return [this.#update()]
      case 4:
        return [this.#delete()]
      case 5:
        return [this.#merge()]
      case 6: {
        const { sql } = this.query(3, [])
        return [`create temp view made as ${sql}`, `select pg_get_viewdef('made', true)`]
      }
      case 7: {
        const { sql } = this.query(2, [])
        return [
          'deallocate all',
          `prepare made as ${sql}`,
          'set local plan_cache_mode = force_generic_plan',
          'execute made',
        ]
      }
      case 8:
      case 9:
        return [`explain (costs off) ${this.#planned().sql}`]
      case 10: {
        const settings = SWITCHES.filter(() => random.chance(0.4)).map(name => `set local ${name} = off`)
        return [...settings, this.query(3, []).sql]
      }
      default:
        return [this.query(3, []).sql]
    }
  }

  /** A query over no catalog: how large their files are depends on what was rolled back, and plans on that. */
  #planned(): Query {
    this.#systems = 0
    const query = this.query(2, [])
    this.#systems = SYSTEMS
    return query
  }

  query(depth: number, scope: Scope): Query {
    const { random } = this
    const choice = random.below(12)
    if (depth > 1 && choice === 0) return this.#set(depth, scope)
    if (depth > 1 && choice === 1) return this.#with(depth, scope)
    if (choice < 5) return this.#grouped(depth, scope)
    const from = this.#from(depth, scope)
    const all = [...from.columns, ...scope]
    const types = Array.from({ length: 1 + random.below(4) }, () => this.expressions.anyType(all))
    const made = types.map((type, i) => `${this.#selected(type, depth, all, from.columns)} as c${i}`)
    const distinct = random.chance(0.12) ? 'distinct ' : ''
    return { sql: `select ${distinct}${made.join(', ')} from ${from.sql}${this.#where(depth, all)}`, types }
  }

  /** A query with one column of this type, in an order of its own, so that the first row is the same everywhere. */
  #scalar(type: string, depth: number, outer: Scope): string {
    if (depth <= 0) return `select ${this.expressions.make(type, 0, outer)}`
    const from = this.#from(0, outer)
    const value = this.expressions.make(type, depth - 1, [...from.columns, ...outer])
    return `select s.v from (select ${value} as v from ${from.sql}${this.#where(1, [...from.columns, ...outer])}) s order by s.v::text collate "C"`
  }

  #selected(type: string, depth: number, scope: Scope, own: Scope): string {
    if (own.length > 0 && depth > 1 && this.random.chance(0.1)) return this.#window(type, scope, own)
    return this.expressions.make(type, depth, scope)
  }

  #window(type: string, scope: Scope, own: Scope): string {
    const { random } = this
    const order = own.map(({ sql }) => `${sql}::text collate "C"`).slice(0, 8)
    const value = this.expressions.make(type, 1, scope)
    const frame = random.one([
      '',
      '',
      ' rows between 1 preceding and 2 following',
      ' rows unbounded preceding exclude current row',
      ' groups 1 preceding',
    ])
    const call = random.one([
      `lag(${value})`,
      `lead(${value}, 2)`,
      `first_value(${value})`,
      `nth_value(${value}, 2)`,
      `max(${value}::text)`,
    ])
    return `${call} over (partition by ${this.expressions.condition(1, scope)} order by ${order.join(', ')}${frame})`
  }

  #where(depth: number, scope: Scope): string {
    return this.random.chance(0.6) ? ` where ${this.expressions.condition(depth, scope)}` : ''
  }

  #grouped(depth: number, scope: Scope): Query {
    const { random } = this
    const from = this.#from(depth, scope)
    const keys = from.columns.filter(() => random.chance(0.2)).slice(0, 3)
    const types = [
      ...keys.map(({ type }) => type),
      ...[0, 1].map(() => random.one([OID.int8, OID.int4, OID.text, this.expressions.anyType(from.columns)])),
    ]
    const made = types.map((type, i) => {
      const value = keys[i]?.sql ?? this.expressions.aggregate(type, from.columns) ?? 'count(*)'
      return `${value} as c${i}`
    })
    const real = made.map((sql, i) => (sql.startsWith('count(*) as') ? OID.int8 : types[i]!))
    const list = keys.map(({ sql }) => sql).join(', ')
    const sets = ['', '', '', 'rollup', 'cube']
    const group =
      keys.length === 0
        ? ''
        : ` group by ${random.one(sets.map(set => (set === '' ? list : `${set} (${list})`)))}`
    const having = random.chance(0.15) ? ` having count(*) > ${random.below(4)}` : ''
    return {
      sql: `select ${made.join(', ')} from ${from.sql}${this.#where(depth, [...from.columns, ...scope])}${group}${having}`,
      types: real,
    }
  }

  #set(depth: number, scope: Scope): Query {
    const first = this.query(depth - 1, scope)
    const from = this.#from(0, scope)
    const second = first.types.map(
      (type, i) => `${this.expressions.make(type, 1, [...from.columns, ...scope])} as c${i}`,
    )
    const kind = this.random.one(['union', 'union all', 'intersect', 'except', 'except all'])
    return {
      sql: `(${first.sql}) ${kind} (select ${second.join(', ')} from ${from.sql})`,
      types: first.types,
    }
  }

  #with(depth: number, scope: Scope): Query {
    const inner = this.query(depth - 1, scope)
    const name = this.#alias('w')
    const columns = inner.types.map((type, i) => ({ sql: `${name}.c${i}`, type }))
    const types = [0, 1].map(() => this.expressions.anyType(columns))
    const made = types.map(
      (type, i) => `${this.expressions.make(type, depth - 1, [...columns, ...scope])} as c${i}`,
    )
    const materialized = this.random.one(['', 'materialized ', 'not materialized '])
    return {
      sql: `with ${name} as ${materialized}(${inner.sql}) select ${made.join(', ')} from ${name}${this.#where(1, [...columns, ...scope])}`,
      types,
    }
  }

  /** Tables, subqueries and functions, joined. */
  #from(depth: number, outer: Scope): { sql: string; columns: Reference[] } {
    const { random } = this
    let { sql, columns } = this.#item(depth, outer)
    const joins = depth > 1 ? random.one([0, 0, 1, 1, 2]) : depth > 0 ? random.below(2) : 0
    for (let i = 0; i < joins; i++) {
      const lateral = random.chance(0.2)
      const item = this.#item(depth - 1, lateral ? [...columns, ...outer] : outer, lateral)
      const both = [...columns, ...item.columns]
      const kind = random.one([
        'join',
        'join',
        'left join',
        'left join',
        lateral ? 'left join' : 'full join',
        lateral ? 'join' : 'right join',
      ])
      sql = `${sql} ${kind} ${item.sql} on ${kind === 'full join' ? this.#equal(columns, item.columns) : this.#joined(columns, item.columns, both)}`
      columns = both
    }
    return { sql, columns }
  }

  #joined(left: Scope, right: Scope, both: Scope): string {
    const equal = this.#equal(left, right)
    return equal !== 'false' && this.random.chance(0.8) ? equal : this.expressions.condition(1, both)
  }

  /** Equality of two columns of the same type. */
  #equal(left: Scope, right: Scope): string {
    const pairs = left.flatMap(one =>
      right.filter(({ type }) => type === one.type).map(other => `${one.sql} = ${other.sql}`),
    )
    return pairs.length > 0 ? this.random.one(pairs) : 'false'
  }

  #item(depth: number, outer: Scope, lateral = false): { sql: string; columns: Reference[] } {
    const { random } = this
    const alias = this.#alias('t')
    if (depth > 0 && random.chance(lateral ? 0.8 : 0.2)) {
      const { sql, types } = this.query(depth - 1, lateral ? outer : [])
      return {
        sql: `${lateral ? 'lateral ' : ''}(${sql}) ${alias}`,
        columns: types.map((type, i) => ({ sql: `${alias}.c${i}`, type })),
      }
    }
    if (random.chance(0.06)) {
      const made = this.#values(alias)
      if (made !== undefined) return made
    }
    const relation = random.one(random.chance(this.#systems) ? this.#system : this.#own)
    const columns = relation.columns.map(({ name, type }) => ({ sql: `${alias}.${name}`, type }))
    return { sql: `${this.#few(relation)} ${alias}`, columns }
  }

  /** The relation, or some of its rows if it has many. */
  #few({ name, rows, columns, kind }: Relation): string {
    const { random } = this
    if ((rows <= 2 * SOME && kind !== 'v') || random.chance(0.1)) return name
    const order = columns.map(column => `r.${column.name}::text collate "C"`).slice(0, 4)
    return kind === 'r' && random.chance(0.6)
      ? `(select * from ${name} tablesample bernoulli (${(100 * SOME) / Math.max(rows, SOME)}) repeatable (${random.below(9)}))`
      : `(select * from ${name} r order by ${order.join(', ')}, r::text collate "C" limit ${SOME})`
  }

  #values(alias: string): { sql: string; columns: Reference[] } | undefined {
    const { random } = this
    if (random.chance(0.5)) {
      const call = random.one(this.expressions.sets)
      const made = this.expressions.called(call, random.one([OID.int4, OID.text]), 1, [])
      const type = this.expressions.catalog.types.get(call.result)
      if (made === undefined || type?.kind === 'pseudo') return undefined
      const text = `(select f::text as c0 from ${made} f order by f::text collate "C" limit ${SOME})`
      return { sql: `${text} ${alias}`, columns: [{ sql: `${alias}.c0`, type: OID.text }] }
    }
    const types = [0, 1].map(() => this.expressions.anyType([]))
    const rows = [0, 1, 2].map(() => `(${types.map(type => this.expressions.make(type, 1, [])).join(', ')})`)
    return {
      sql: `(values ${rows.join(', ')}) ${alias} (c0, c1)`,
      columns: types.map((type, i) => ({ sql: `${alias}.c${i}`, type })),
    }
  }

  #target(): { relation: Relation; columns: Reference[]; chosen: Column[] } {
    const relation = this.random.one(this.#writable)
    const chosen = relation.columns.filter(() => this.random.chance(0.5))
    return {
      relation,
      columns: relation.columns.map(({ name, type }) => ({ sql: `x.${name}`, type })),
      chosen: chosen.length > 0 ? chosen : [relation.columns[0]!],
    }
  }

  #insert(): string {
    const { relation, columns, chosen } = this.#target()
    const from = this.#from(0, [])
    const values = chosen.map(({ type }) => this.expressions.make(type, 1, from.columns))
    const names = chosen.map(({ name }) => name).join(', ')
    const conflict = this.random.chance(0.3) ? ' on conflict do nothing' : ''
    const returned = this.expressions.make(this.expressions.anyType(columns), 1, columns)
    return `insert into ${relation.name} as x (${names}) select ${values.join(', ')} from ${from.sql}${conflict} returning *, ${returned}`
  }

  #update(): string {
    const { relation, columns, chosen } = this.#target()
    const set = chosen
      .slice(0, 3)
      .map(({ name, type }) => `${name} = ${this.expressions.make(type, 2, columns)}`)
    const returned = this.random.one([
      '*',
      'old.*, new.*',
      `x.*, ${this.expressions.make(this.expressions.anyType(columns), 1, columns)}`,
    ])
    return `update ${relation.name} as x set ${set.join(', ')} where ${this.expressions.condition(2, columns)} returning ${returned}`
  }

  #delete(): string {
    const { relation, columns } = this.#target()
    const using = this.random.chance(0.3) ? this.#from(0, []) : undefined
    const scope = [...columns, ...(using?.columns ?? [])]
    const clause = using === undefined ? '' : ` using ${using.sql}`
    return `delete from ${relation.name} as x${clause} where ${this.expressions.condition(2, scope)} returning x.*`
  }

  #merge(): string {
    const { relation, columns, chosen } = this.#target()
    const from = this.#item(1, [])
    const both = [...columns, ...from.columns]
    const [column] = chosen as [Column]
    const names = chosen.map(({ name }) => name).join(', ')
    const values = chosen.map(({ type }) => this.expressions.make(type, 1, from.columns))
    return `merge into ${relation.name} as x using ${from.sql} on ${this.#joined(columns, from.columns, both)}
      when matched and ${this.expressions.condition(1, both)} then delete
      when matched then update set ${column.name} = ${this.expressions.make(column.type, 1, both)}
      when not matched then insert (${names}) values (${values.join(', ')})
      returning merge_action(), x.*`
  }

  #alias(prefix: string): string {
    return `${prefix}${this.#aliases++}`
  }
}

/** Ways to execute a query that the planner may be kept from. */
const SWITCHES = [
  ...[
    'hashjoin',
    'mergejoin',
    'nestloop',
    'hashagg',
    'sort',
    'seqscan',
    'indexscan',
    'bitmapscan',
    'material',
    'memoize',
  ],
  ...['incremental_sort', 'indexonlyscan', 'partitionwise_join'],
].map(name => `enable_${name}`)
