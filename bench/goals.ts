/**
 * What this project's server is to reach, for `--check`: ratios to native PostgreSQL in the same run. A goal is reached or not, and
 * not as well if the measurement failed.
 */
import { ANALYTIC_MEAN } from './analytic.js'
import { COPY } from './copy.js'
import { MAINTENANCE } from './maintenance.js'
import { advantage, geometricMean, type Measurement, result } from './measurement.js'
import { PROPORTIONAL, PROPORTIONAL_PER_CONNECTION } from './memory.js'
import { LATENCY } from './pgbench.js'
import { EPHEMERAL_START, REOPEN } from './starts.js'

interface Goal {
  /** Measurements that it is about, by the start of their names; the worst one counts. */
  readonly of: string
  /** At least so many times native PostgreSQL's result: with Node 24 and later, and with Node 20 and 22; */
  readonly native?: readonly [number, number]
  /** or at most so much, in the measurement's unit. */
  readonly most?: number
}

export interface Verdict {
  readonly goal: string
  readonly reached: string
  readonly met: boolean
}

const GOALS: readonly Goal[] = [
  { of: 'select-only, prepared', native: [0.75, 0.45] },
  { of: 'select-only, simple', native: [0.75, 0.45] },
  { of: 'TPC-B', native: [0.85, 0.65] },
  { of: ANALYTIC_MEAN, native: [0.9, 0.75] },
  { of: COPY, native: [0.8, 0.8] },
  { of: MAINTENANCE, native: [0.75, 0.75] },
  { of: LATENCY, native: [0.5, 0.5] },
  { of: EPHEMERAL_START, most: 250 },
  { of: REOPEN, most: 180 },
  { of: PROPORTIONAL, most: 90 },
  { of: PROPORTIONAL_PER_CONNECTION, most: 5 },
]

/** All that was measured on both. */
const MEAN = { of: 'all, geometric mean', native: [0.8, 0.6] } as const

/**
 * Verdicts on the goals of what was measured.
 *
 * @param node the major version of Node that runs our server
 */
export function verdicts(measurements: readonly Measurement[], node: number): Verdict[] {
  const mean = meanOf(measurements)
  return [
    ...GOALS.flatMap(goal => {
      const subjects = measurements.filter(({ name }) => name.startsWith(goal.of))
      if (subjects.length === 0) return []
      const values = subjects.map(m =>
        goal.native === undefined ? result(m, 'ours') : advantage(m, 'ours', 'native'),
      )
      return [verdict(goal, values, node, subjects[0]!.unit)]
    }),
    ...(mean === undefined ? [] : [verdict(MEAN, [mean], node, '')]),
  ]
}

/** The geometric mean of all ratios to native, if anything was measured on both. */
function meanOf(measurements: readonly Measurement[]): number | undefined {
  const ratios = measurements
    .filter(({ name }) => name !== ANALYTIC_MEAN)
    .map(m => advantage(m, 'ours', 'native'))
    .filter(ratio => ratio !== undefined)
  return ratios.length > 0 ? geometricMean(ratios) : undefined
}

function verdict(
  { of, native, most }: Goal,
  values: readonly (number | undefined)[],
  node: number,
  unit: string,
): Verdict {
  const least = native?.[node >= 24 ? 0 : 1]
  const goal = least === undefined ? `${of}: at most ${most} ${unit}` : `${of}: at least ${least} × native`
  const known = values.filter(value => value !== undefined)
  if (known.length < values.length) return { goal, reached: 'no result', met: false }
  if (least === undefined) {
    const worst = Math.max(...known)
    return { goal, reached: `${worst.toFixed(1)} ${unit}`, met: worst <= most! }
  }
  const worst = Math.min(...known)
  return { goal, reached: `${worst.toFixed(3)} ×`, met: worst >= least }
}
