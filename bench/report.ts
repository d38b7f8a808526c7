/** The report on the terminal: one row as soon as a measurement is complete, then what needs words. */

import type { Verdict } from './goals.js'
import { advantage, type Measurement, result } from './measurement.js'
import type { System, SystemName } from './system.js'

const NAME_WIDTH = 58
const WIDTH = 11

/** Rounds that differ by more than this factor are worth a remark. */
const UNSTEADY = 1.5

/** Head of the table. A ratio says how many times as good this project's server is: more is better, in every row. */
export function tableHead(systems: readonly System[]): string {
  const names = systems.map(({ name }) => name)
  return row(
    '',
    '',
    names,
    ratios(names).map(other => `× ${other}`),
  )
}

export function tableRow(systems: readonly System[], measurement: Measurement): string {
  const names = systems.map(({ name }) => name)
  const cell = (name: SystemName) => {
    const value = result(measurement, name)
    return value === undefined ? '–' : number(value)
  }
  const ratio = (other: SystemName) => advantage(measurement, 'ours', other)?.toFixed(2) ?? ''
  return row(measurement.name, measurement.unit, names.map(cell), ratios(names).map(ratio))
}

/** Why cells are empty; each reason once. */
export function gaps(measurements: readonly Measurement[]): string[] {
  const reasons = new Map<string, string[]>()
  for (const { name, missing } of measurements) {
    for (const [system, reason] of Object.entries(missing)) {
      const text = `${system}: ${reason.trim()}`
      reasons.set(text, [...(reasons.get(text) ?? []), name])
    }
  }
  return [...reasons].map(([text, names]) => `${text}\n    (${names.join('; ')})`)
}

/** Measurements whose rounds differ so much that their ratios mean little. */
export function unsteady(measurements: readonly Measurement[]): string[] {
  return measurements.flatMap(({ name, unit, values }) =>
    Object.entries(values).flatMap(([system, all]) => {
      const [least, most] = [Math.min(...all), Math.max(...all)]
      return most > UNSTEADY * least
        ? `${name}: ${system} varied from ${number(least)} to ${number(most)} ${unit}`
        : []
    }),
  )
}

export function verdictLine({ goal, reached, met }: Verdict): string {
  return `${met ? 'reached' : 'MISSED '}  ${goal.padEnd(70)} ${reached}`
}

function ratios(names: readonly SystemName[]): SystemName[] {
  return names.includes('ours') ? names.filter(name => name !== 'ours') : []
}

function row(name: string, unit: string, cells: string[], ratios: string[]): string {
  return [
    name.padEnd(NAME_WIDTH),
    unit.padEnd(5),
    ...[...cells, ...ratios].map(cell => cell.padStart(WIDTH)),
  ].join('')
}

/** Three digits, or all before the point. */
function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}
