/** A measurement: its name, and the values that each system reached, one for each round. */
import type { SystemName } from './system.js'

export interface Measure {
  /** What is measured, as a row of the report is named. */
  readonly name: string
  readonly unit: 'tps' | 'ms' | 'MB/s' | 'MB'
}

export interface Measurement extends Measure {
  readonly values: Partial<Record<SystemName, number[]>>
  /** Why a system has no values. */
  readonly missing: Partial<Record<SystemName, string>>
}

/** A measurement without values yet. */
export function measurementOf(measure: Measure): Measurement {
  return { ...measure, values: {}, missing: {} }
}

/** The middle value of all rounds; undefined if there is none. */
export function result(measurement: Measurement, system: SystemName): number | undefined {
  const values = measurement.values[system]
  return values && median(values)
}

/** How many times as good as another system: 1 is equal, more is better, whether the unit counts speed or cost. */
export function advantage(
  measurement: Measurement,
  system: SystemName,
  other: SystemName,
): number | undefined {
  const [mine, its] = [result(measurement, system), result(measurement, other)]
  if (mine === undefined || its === undefined) return undefined
  return measurement.unit === 'ms' || measurement.unit === 'MB' ? its / mine : mine / its
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The value that `percent` of all values are not above, interpolated between neighbours. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const position = ((sorted.length - 1) * percent) / 100
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position % 1)
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}
