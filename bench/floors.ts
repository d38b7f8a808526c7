/**
 * What this project's server must at least reach, for `--check`. A floor is met or missed, and missed as well if the measurement
 * failed.
 */
import { ANALYTIC_MEAN } from './analytic.js'
import { advantage, type Measurement, result } from './measurement.js'
import { RESIDENT, RESIDENT_PER_CONNECTION } from './memory.js'
import { EPHEMERAL_START, REOPEN } from './starts.js'

interface Floor {
  /** Measurements that it is about, by the start of their names; the worst one counts. */
  readonly of: string
  /** At least so many times native PostgreSQL's result, */
  readonly native?: number
  /** or at most so much, in the measurement's unit. */
  readonly most?: number
}

export interface Verdict {
  readonly floor: string
  readonly reached: string
  readonly met: boolean
}

const FLOORS: readonly Floor[] = [
  { of: 'select-only, prepared, 1 client', native: 0.35 },
  { of: 'select-only, prepared, 8 clients', native: 0.3 },
  { of: 'TPC-B', native: 0.4 },
  { of: ANALYTIC_MEAN, native: 0.5 },
  { of: EPHEMERAL_START, most: 1000 },
  { of: REOPEN, most: 700 },
  { of: RESIDENT, most: 220 },
  { of: RESIDENT_PER_CONNECTION, most: 15 },
]

/** Verdicts on the floors of what was measured. */
export function verdicts(measurements: readonly Measurement[]): Verdict[] {
  return FLOORS.flatMap(({ of, native, most }) => {
    const subjects = measurements.filter(({ name }) => name.startsWith(of))
    if (subjects.length === 0) return []
    const values = subjects.map(m =>
      native === undefined ? result(m, 'ours') : advantage(m, 'ours', 'native'),
    )
    const known = values.filter(value => value !== undefined)
    const unit = subjects[0]?.unit ?? ''
    const floor =
      native === undefined ? `${of}: at most ${most} ${unit}` : `${of}: at least ${native} × native`
    if (known.length === 0 || known.length < values.length) return { floor, reached: 'no result', met: false }
    if (native === undefined) {
      const worst = Math.max(...known)
      return { floor, reached: `${worst.toFixed(1)} ${unit}`, met: worst <= most! }
    }
    const worst = Math.min(...known)
    return { floor, reached: `${worst.toFixed(3)} ×`, met: worst >= native }
  })
}
