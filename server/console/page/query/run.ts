/** Runs what is in the editor, statement by statement, up to the first error. */
import { signal } from '@preact/signals'
import { type Field, type Report, ServerError } from '../connection/messages.js'
import type { Result } from '../connection/session.js'
import type { GridRows } from '../parts/grid.js'
import { type Plan, planIn } from '../plan/plan.js'
import { catalogChanges, liveSession, observer } from '../state.js'
import { offsetOf, type Statement } from './statements.js'

/** What came of one statement. */
export interface Outcome {
  readonly statement: Statement
  readonly notices: readonly Report[]
  readonly result?: Result
  /** The result as a tree, if it is a plan. */
  readonly plan?: Plan
  readonly error?: Report
  /** The names of the types of its columns. */
  readonly types?: readonly string[]
}

export const outcomes = signal<readonly Outcome[]>([])
/** The statement that runs, and since when. */
export const running = signal<{ statement: Statement; since: number } | undefined>(undefined)
/** The outcome that is shown. */
export const shown = signal(0)

/** What is put before each statement. */
export const EXPLAIN = 'explain (format json, settings) '
export const ANALYZE = 'explain (analyze, buffers, settings, format json) '

/** Commands after which the editor completes other names. */
const CHANGES = /^(CREATE|ALTER|DROP|SELECT INTO|IMPORT|ROLLBACK|COMMIT)/

/**
 * Runs these statements. Returns the place of an error in the editor's text.
 *
 * @param prefix what is put before each of them, such as EXPLAIN
 */
export async function run(
  statements: readonly Statement[],
  prefix = '',
): Promise<{ from: number; message: string } | undefined> {
  if (running.value !== undefined) return undefined
  outcomes.value = []
  shown.value = 0
  for (const statement of statements) {
    running.value = { statement, since: performance.now() }
    const outcome = await outcomeOf(statement, prefix)
    running.value = undefined
    outcomes.value = [...outcomes.value, outcome]
    if (outcome.result?.fields !== undefined || outcome.error !== undefined || statements.length === 1)
      shown.value = outcomes.value.length - 1
    if (CHANGES.test(outcome.result?.tag ?? '')) catalogChanges.value++
    const { error } = outcome
    if (error !== undefined)
      return error.position === undefined
        ? undefined
        : { from: placeOf(statement, error.position - prefix.length), message: error.message }
  }
  return undefined
}

async function outcomeOf(statement: Statement, prefix: string): Promise<Outcome> {
  const notices: Report[] = []
  try {
    const session = await liveSession()
    session.onNotice = notice => notices.push(notice)
    const result = await session.run(prefix + statement.sql)
    const plan = result.fields?.[0]?.name === 'QUERY PLAN' ? planIn(result.rows) : undefined
    const types = result.fields && (await typesOf(result.fields))
    return { statement, notices, result, ...(plan && { plan }), ...(types && { types }) }
  } catch (error) {
    return { statement, notices, error: reportOf(error) }
  }
}

function reportOf(error: unknown): Report {
  return error instanceof ServerError
    ? error.report
    : { severity: 'FATAL', code: '', message: (error as Error).message }
}

function placeOf({ from, sql }: Statement, position: number): number {
  return from + offsetOf(sql, Math.max(1, position))
}

/** The rows of an outcome, as the grid takes them. */
export const rowsOf = ({ rows }: Result): GridRows => rows

/** OIDs of types whose values are aligned at the right: int8, int2, int4, oid, float4, float8, money, numeric. */
const NUMERIC = new Set([20, 21, 23, 26, 700, 701, 790, 1700])
export const isNumeric = ({ type }: Field): boolean => NUMERIC.has(type)

const known = new Map<string, string>()
const keyOf = ({ type, modifier }: Field) => `${type}, ${modifier}`

/** The names of types, which the server knows; those that were asked for once are kept. */
async function typesOf(fields: readonly Field[]): Promise<string[]> {
  const unknown = [...new Set(fields.map(keyOf))].filter(key => !known.has(key))
  if (unknown.length > 0) {
    const values = unknown.map(key => `(${key})`).join(', ')
    const asked = observer.value?.rows(`select type, modifier, format_type(type::oid, modifier) as name
      from (values ${values}) as asked (type, modifier)`)
    // The names are left out if the second session cannot tell them.
    for (const { type, modifier, name } of (await asked?.catch(() => [])) ?? [])
      known.set(`${type}, ${modifier}`, name ?? '')
  }
  return fields.map(field => known.get(keyOf(field)) ?? '')
}
