/** A plan, as EXPLAIN (FORMAT JSON) writes it: PostgreSQL documentation, "EXPLAIN". */
import type { Rows } from '../connection/rows.js'

/** A node of the plan, and what can be computed of it. */
export interface PlanNode {
  /** Such as 'Index Scan'. */
  readonly title: string
  /** What it works on, such as 'accounts_pkey on accounts'. */
  readonly target: string
  /** Conditions, keys and the like, in the words of EXPLAIN. */
  readonly details: readonly (readonly [name: string, value: string])[]
  readonly cost: number
  readonly startupCost: number
  readonly plannedRows: number
  readonly width: number
  /** Undefined without ANALYZE, and in nodes that never ran. */
  readonly actual: Actual | undefined
  /** Whether ANALYZE says that it never ran. */
  readonly neverRan: boolean
  readonly buffers: string
  readonly children: readonly PlanNode[]
}

/** What ANALYZE has measured. */
export interface Actual {
  /** Milliseconds of all loops, with those of its children. */
  readonly time: number
  /** Milliseconds of the node alone. */
  readonly ownTime: number
  /** Rows of one loop. */
  readonly rows: number
  readonly loops: number
}

/** A statement's plan. */
export interface Plan {
  readonly root: PlanNode
  readonly analyzed: boolean
  /** Milliseconds. */
  readonly planning: number | undefined
  readonly execution: number | undefined
  /** Triggers, settings and the like. */
  readonly remarks: readonly (readonly [name: string, value: string])[]
}

type Json = Readonly<Record<string, unknown>>

/** Fields that have a place of their own. */
const PLACED =
  /^(Node Type|Plans|Relation Name|Schema|Alias|Index Name|Function Name|CTE Name|Startup Cost|Total Cost|Plan Rows|Plan Width|Actual .*|(Shared|Local|Temp) .* Blocks|Parent Relationship|Parallel Aware|Async Capable|Join Type|Strategy|Partial Mode|Operation|Scan Direction|Disabled|Inner Unique|Command|Workers)$/

/** The plan in the rows of a result, if they have one in JSON. */
export function planIn(rows: Rows): Plan | undefined {
  const text = rows.length === 1 ? rows.at(0)[0] : undefined
  if (!text?.startsWith('[')) return undefined
  const [top] = JSON.parse(text) as Json[]
  if (top?.Plan === undefined) return undefined
  const root = nodeOf(top.Plan as Json)
  const triggers = (top.Triggers as Json[] | undefined) ?? []
  const settings = Object.entries((top.Settings as Json | undefined) ?? {})
  return {
    root,
    analyzed: root.actual !== undefined || root.neverRan,
    planning: top['Planning Time'] as number | undefined,
    execution: top['Execution Time'] as number | undefined,
    remarks: [
      ...triggers.map(
        ({ 'Trigger Name': name, Time: time, Calls: calls }) =>
          [`trigger ${name}`, `${time} ms in ${calls} calls`] as const,
      ),
      ...settings.map(([name, value]) => [name, String(value)] as const),
    ],
  }
}

function nodeOf(json: Json): PlanNode {
  const children = ((json.Plans as Json[] | undefined) ?? []).map(nodeOf)
  const loops = json['Actual Loops'] as number | undefined
  return {
    title: titleOf(json),
    target: targetOf(json),
    details: detailsOf(json),
    cost: json['Total Cost'] as number,
    startupCost: json['Startup Cost'] as number,
    plannedRows: json['Plan Rows'] as number,
    width: json['Plan Width'] as number,
    actual: loops ? actualOf(json, loops, children) : undefined,
    neverRan: loops === 0,
    buffers: buffersOf(json),
    children,
  }
}

function actualOf(json: Json, loops: number, children: readonly PlanNode[]): Actual {
  const time = ((json['Actual Total Time'] as number | undefined) ?? 0) * loops
  const below = children.reduce((sum, { actual }) => sum + (actual?.time ?? 0), 0)
  return { time, ownTime: Math.max(0, time - below), rows: json['Actual Rows'] as number, loops }
}

function titleOf(json: Json): string {
  const {
    'Node Type': type,
    'Join Type': join,
    Strategy: strategy,
    'Partial Mode': mode,
    Operation: operation,
  } = json
  const words = [
    json['Parallel Aware'] ? 'Parallel' : '',
    mode !== undefined && mode !== 'Simple' ? mode : '',
    strategy !== undefined && strategy !== 'Plain' ? strategy : '',
    operation ?? type,
    json['Scan Direction'] === 'Backward' ? 'Backward' : '',
    join !== undefined && join !== 'Inner' ? `${join} Join` : '',
  ]
  return words.filter(Boolean).join(' ')
}

function targetOf(json: Json): string {
  const relation = json['Relation Name'] ?? json['Function Name'] ?? json['CTE Name']
  const alias = json.Alias !== undefined && json.Alias !== relation ? ` ${json.Alias}` : ''
  const index = json['Index Name'] === undefined ? '' : `${json['Index Name']} `
  if (relation === undefined) return `${index}${alias}`.trim()
  return `${index && `${index}on `}${relation}${alias}`
}

function detailsOf(json: Json): [string, string][] {
  return Object.entries(json)
    .filter(([name, value]) => !PLACED.test(name) && value !== false && value !== 0)
    .map(([name, value]) => [name, textOf(value)])
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Blocks of 8 kB, as EXPLAIN's text says it: 'hit 3, read 1'. */
function buffersOf(json: Json): string {
  return ['Shared', 'Local', 'Temp']
    .flatMap(place =>
      ['Hit', 'Read', 'Dirtied', 'Written'].flatMap(what => {
        const blocks = json[`${place} ${what} Blocks`] as number | undefined
        const kind = place === 'Shared' ? '' : `${place.toLowerCase()} `
        return blocks ? [`${kind}${what.toLowerCase()} ${blocks}`] : []
      }),
    )
    .join(', ')
}
