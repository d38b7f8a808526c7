/** Random expressions of a wanted type over the columns in scope. */
import type { Random } from '../../fixtures/random.js'
import type { Callable, Catalog, Type } from './catalog.js'

/** A column that an expression can name. */
export interface Reference {
  readonly sql: string
  readonly type: string
}

export type Scope = readonly Reference[]

/** Makes a subquery with one column of this type, which sees the scope. */
export type Subquery = (type: string, depth: number, scope: Scope) => string

const OID = { bool: '16', int8: '20', int4: '23', text: '25', json: '114', jsonb: '3802' }

export class Expressions {
  readonly #functions = new Map<string, Callable[]>()
  readonly #aggregates = new Map<string, Callable[]>()
  readonly windows: readonly Callable[]
  readonly sets: readonly Callable[]
  readonly #casts = new Map<string, string[]>()
  readonly #arrayOf = new Map<string, string>()
  readonly #rangeOf = new Map<string, string>()
  /** Types of which there are values. */
  readonly #valued: readonly string[]
  subquery: Subquery = type => `select ${this.literal(type)}`

  constructor(
    readonly random: Random,
    readonly catalog: Catalog,
  ) {
    for (const type of catalog.types.values()) {
      if (type.kind === 'array') this.#arrayOf.set(type.element!, type.oid)
      if (type.kind === 'range') this.#rangeOf.set(type.element!, type.oid)
    }
    for (const callable of catalog.callables) {
      if (callable.set) continue
      if (callable.kind === 'function' || callable.kind === 'operator')
        add(this.#functions, callable.result, callable)
      if (callable.kind === 'aggregate') add(this.#aggregates, callable.result, callable)
    }
    for (const { source, target } of catalog.casts) add(this.#casts, target, source)
    this.windows = catalog.callables.filter(({ kind }) => kind === 'window')
    this.sets = catalog.callables.filter(({ set, kind }) => set && kind === 'function')
    this.#valued = [...catalog.types.values()].filter(({ values }) => values.length > 0).map(({ oid }) => oid)
  }

  type(oid: string): Type {
    return this.catalog.types.get(oid)!
  }

  nameOf(oid: string): string {
    return this.catalog.types.get(oid)?.name ?? 'text'
  }

  /** A type that the scope has, or another one. */
  anyType(scope: Scope): string {
    if (scope.length > 0 && this.random.chance(0.7)) return this.random.one(scope).type
    return this.random.chance(0.6) ? this.random.one(COMMON) : this.random.one(this.#valued)
  }

  literal(oid: string): string {
    const type = this.catalog.types.get(oid)
    if (type === undefined || type.values.length === 0 || this.random.chance(0.04))
      return `null::${this.nameOf(oid)}`
    return this.random.one(type.values)
  }

  /** @param depth how many levels of calls it may have */
  make(oid: string, depth: number, scope: Scope): string {
    const { random } = this
    const columns = scope.filter(({ type }) => type === oid)
    if (columns.length > 0 && random.chance(depth > 0 ? 0.35 : 0.85)) return random.one(columns).sql
    if (depth <= 0) return columns.length > 0 ? random.one(columns).sql : this.literal(oid)
    const made =
      oid === OID.bool && random.chance(0.7) ? this.condition(depth, scope) : this.#made(oid, depth, scope)
    return made ?? (columns.length > 0 ? random.one(columns).sql : this.literal(oid))
  }

  condition(depth: number, scope: Scope): string {
    const { random } = this
    const type = this.anyType(scope)
    const value = () => this.make(type, depth - 1, scope)
    const bool = () => this.make(OID.bool, depth - 1, scope)
    switch (random.below(15)) {
      case 0:
        return `(${bool()} and ${bool()})`
      case 1:
        return `(${bool()} or ${bool()})`
      case 2:
        return `(not ${bool()})`
      case 3:
        return `(${value()} is ${random.one(['null', 'not null', `not distinct from ${value()}`, `distinct from ${value()}`])})`
      case 4:
        return `(${value()} between ${random.chance(0.3) ? 'symmetric ' : ''}${value()} and ${value()})`
      case 5:
        return `(${value()} ${random.one(['', 'not '])}in (${value()}, ${value()}, ${value()}))`
      case 6:
        return `${random.one(['', 'not '])}exists (${this.subquery(type, depth - 1, scope)})`
      case 7:
        return `(${value()} ${random.one(['in', '= any', '<> all', '> any'])} (${this.subquery(type, depth - 1, scope)}))`
      case 8:
        return `(${this.make(OID.text, depth - 1, scope)} ${random.one(['like', 'ilike', '~', '~*', 'not like', 'similar to', '^@'])} ${random.one(PATTERNS)})`
      case 9:
        return `((${value()}, ${this.make(OID.int4, depth - 1, scope)}) ${random.one(['=', '<', '>=', '<>', 'is distinct from'])} (${value()}, ${this.make(OID.int4, depth - 1, scope)}))`
      case 10:
        return `(${bool()} is ${random.one(['', 'not '])}${random.one(['true', 'false', 'unknown'])})`
      default:
        return `(${value()} ${random.one(['=', '=', '<', '>', '<=', '>=', '<>'])} ${value()})`
    }
  }

  #made(oid: string, depth: number, scope: Scope): string | undefined {
    const { random } = this
    const value = () => this.make(oid, depth - 1, scope)
    switch (random.below(20)) {
      case 0:
        return `case when ${this.condition(depth - 1, scope)} then ${value()} else ${value()} end`
      case 1:
        return `coalesce(${value()}, ${value()})`
      case 2:
        return `nullif(${value()}, ${value()})`
      case 3:
        return `${random.one(['greatest', 'least'])}(${value()}, ${value()})`
      case 4:
        return `(${this.subquery(oid, depth - 1, scope)} limit 1)`
      case 5:
        return this.#subscript(oid, depth, scope)
      case 6:
      case 7: {
        const source = random.one(this.#casts.get(oid) ?? [OID.text])
        return `(${this.make(source, depth - 1, scope)})::${this.nameOf(oid)}`
      }
      case 8:
        return this.#structure(oid, depth, scope)
      case 9: {
        const other = this.anyType(scope)
        return `case ${this.make(other, depth - 1, scope)} when ${this.literal(other)} then ${value()} when ${this.literal(other)} then ${value()} end`
      }
      default:
        return this.call(this.#functions, oid, depth, scope)
    }
  }

  #subscript(oid: string, depth: number, scope: Scope): string | undefined {
    const array = this.#arrayOf.get(oid)
    if (array === undefined) return undefined
    return `(${this.make(array, depth - 1, scope)})[${this.random.one(['1', '2', '-1', this.make(OID.int4, depth - 1, scope)])}]`
  }

  /** What SQL has a syntax of its own for. */
  #structure(oid: string, depth: number, scope: Scope): string | undefined {
    const { random } = this
    const any = () => this.make(this.anyType(scope), depth - 1, scope)
    const type = this.catalog.types.get(oid)
    if (type?.kind === 'array')
      return `array[${[0, 1].map(() => this.make(type.element!, depth - 1, scope)).join(', ')}]::${type.name}`
    if (oid === OID.text)
      return random.one([
        () => `(${any()})::text`,
        () => `concat_ws('|', ${any()}, ${any()})`,
        () => `format('%s %L %I', ${any()}, ${any()}, ${any()})`,
        () => `substring(${this.make(OID.text, depth - 1, scope)} from ${random.one(PATTERNS)})`,
        () => `row(${any()}, ${any()})::text`,
        () => `xmlelement(name a, xmlattributes(${any()} as b), ${any()})::text`,
        () =>
          `json_value(${this.make(OID.jsonb, depth - 1, scope)}, ${random.one(PATHS)} default '?' on error)`,
      ])()
    if (oid === OID.jsonb)
      return random.one([
        () => `to_jsonb(${any()})`,
        () => `jsonb_build_object('k', ${any()}, 'l', ${any()})`,
        () =>
          `json_query(${this.make(OID.jsonb, depth - 1, scope)}, ${random.one(PATHS)} with conditional wrapper)`,
        () => `json_object('a': ${any()}, 'b': ${any()} absent on null returning jsonb)`,
        () => `json_array(${any()}, ${any()} returning jsonb)`,
      ])()
    return undefined
  }

  aggregate(oid: string, scope: Scope): string | undefined {
    const made = this.call(this.#aggregates, oid, 2, scope)
    if (made === undefined || scope.length === 0) return undefined
    if (made.endsWith('(*)')) return made
    // An order that is the same whichever way the rows come.
    const order = scope.map(({ sql }) => `${sql}::text collate "C"`).slice(0, 6)
    const filter = this.random.chance(0.2) ? ` filter (where ${this.condition(1, scope)})` : ''
    return `${made.slice(0, -1)} order by ${order.join(', ')})${filter}`
  }

  /** A call of one of those whose result is of this type; undefined if there is none, or no arguments for it. */
  call(
    from: ReadonlyMap<string, readonly Callable[]>,
    oid: string,
    depth: number,
    scope: Scope,
  ): string | undefined {
    const type = this.catalog.types.get(oid)
    const exact = from.get(oid) ?? []
    const generic = POLYMORPHIC_RESULTS.flatMap(name => from.get(this.#pseudo(name)) ?? [])
    const callable =
      generic.length > 0 && (exact.length === 0 || this.random.chance(0.15))
        ? this.random.one(generic)
        : exact.length > 0
          ? this.random.one(exact)
          : undefined
    if (callable === undefined || type === undefined) return undefined
    const element = this.#elementFor(callable, type, scope)
    return element === undefined ? undefined : this.called(callable, element, depth, scope)
  }

  /** What `anyelement` must be for a callable to have this type as its result; undefined if nothing fits. */
  #elementFor(callable: Callable, result: Type, scope: Scope): string | undefined {
    const kind = KINDS[this.catalog.types.get(callable.result)?.polymorphic ?? '']
    if (kind === undefined) return this.anyType(scope)
    if (kind === 'element') return result.oid
    return kind === result.kind ? result.element : undefined
  }

  called(callable: Callable, element: string, depth: number, scope: Scope): string | undefined {
    const types = callable.args.map(arg => this.#concrete(arg, element, scope))
    if (types.some(type => type === undefined)) return undefined
    const made = types.map(type => this.make(type!, depth - 1, scope))
    if (callable.kind === 'operator')
      return made.length === 1 ? `(${callable.name} ${made[0]})` : `(${made[0]} ${callable.name} ${made[1]})`
    const call = `${callable.name}(${callable.kind === 'aggregate' && made.length === 0 ? '*' : made.join(', ')})`
    return /cmp|compare/.test(callable.name) ? `sign(${call})::int4` : call
  }

  #concrete(arg: string, element: string, scope: Scope): string | undefined {
    const type = this.catalog.types.get(arg)
    if (type === undefined) return undefined
    if (type.kind !== 'pseudo') return arg
    switch (KINDS[type.polymorphic ?? '']) {
      case 'element':
        return type.polymorphic === 'any' ? this.anyType(scope) : element
      case 'array':
        return this.#arrayOf.get(element)
      case 'range':
        return this.#rangeOf.get(element)
      default:
        return undefined
    }
  }

  readonly #pseudos = new Map<string, string>()
  #pseudo(name: string): string {
    if (this.#pseudos.size === 0)
      for (const { oid, polymorphic } of this.catalog.types.values())
        if (polymorphic !== undefined) this.#pseudos.set(polymorphic, oid)
    return this.#pseudos.get(name) ?? ''
  }
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

const COMMON = [
  '23',
  '23',
  '20',
  '21',
  '25',
  '1043',
  '19',
  '16',
  '701',
  '1700',
  '1082',
  '1114',
  '1184',
  '1186',
  '3802',
  '1007',
  '1009',
]

const KINDS: Readonly<Record<string, 'element' | 'array' | 'range'>> = {
  any: 'element',
  anyelement: 'element',
  anynonarray: 'element',
  anycompatible: 'element',
  anycompatiblenonarray: 'element',
  anyenum: 'element',
  anyarray: 'array',
  anycompatiblearray: 'array',
  anyrange: 'range',
  anycompatiblerange: 'range',
}

const POLYMORPHIC_RESULTS = ['anyelement', 'anycompatible', 'anyarray', 'anycompatiblearray', 'anyrange']

const PATTERNS = [
  "'%a%'",
  "'_A%'",
  "'a.*b?'",
  "'^[A-Z]+'",
  "'%'",
  "''",
  "'(a|b)+$'",
  "'\\w+\\s*'",
  "'[[:alpha:]]{2,}'",
  "'%\\_x'",
]
const PATHS = ["'$'", "'$.a'", "'$[*]'", "'lax $.**'", "'strict $[0]'", "'$.k ? (@ > 1)'", "'$.type()'"]
