/**
 * One run of the benchmark. It measures all systems in turns (A B C A B C …), so that other work on the machine, and its temperature,
 * affect all of them alike.
 */
import type { Measure, Measurement } from './measurement.js'
import { measurementOf } from './measurement.js'
import type { NativeTree } from './native-tree.js'
import type { Server, System } from './system.js'

export interface Bench {
  readonly tree: NativeTree
  readonly systems: readonly System[]
  /** How many times each measurement is made. */
  readonly rounds: number
  /** How long a load runs, in seconds: unmeasured, then measured. */
  readonly warmUp: number
  readonly seconds: number
  /** Amount of data and repetitions, 1 for a full run. */
  readonly amount: number
  readonly measurements: Measurement[]
  /** Findings that are no numbers, such as answers that differ. */
  readonly notes: string[]
  /** Called with each measurement that is complete. */
  readonly onMeasured: (measurement: Measurement) => void
}

/** A system with a server that runs during several measurements. */
export interface Running {
  readonly system: System
  readonly directory: string
  server: Server
}

/**
 * Measures each system in turns. `work` resolves with one value for each measure. A system whose work fails is left out
 * from then on, with the error as reason, and `recover` is called for it.
 */
export async function inTurns<Subject extends { readonly system: System }>(
  bench: Bench,
  subjects: readonly Subject[],
  measures: readonly Measure[],
  work: (subject: Subject, round: number) => Promise<number[]>,
  recover: (subject: Subject) => Promise<void> = async () => {},
): Promise<Measurement[]> {
  const measurements = measures.map(measurementOf)
  const out = new Set<Subject>()
  for (let round = 0; round < bench.rounds; round++) {
    for (const subject of subjects) {
      if (out.has(subject)) continue
      const { name } = subject.system
      try {
        const values = await work(subject, round)
        measurements.forEach(({ values: all }, i) => {
          all[name] = [...(all[name] ?? []), values[i]!]
        })
      } catch (error) {
        out.add(subject)
        for (const { values, missing } of measurements) {
          delete values[name]
          missing[name] = error instanceof Error ? error.message : String(error)
        }
        if (!(error instanceof Skipped)) await recover(subject)
      }
    }
  }
  for (const measurement of measurements) add(bench, measurement)
  return measurements
}

/** Adds a measurement that is complete. */
export function add(bench: Bench, measurement: Measurement): void {
  bench.measurements.push(measurement)
  bench.onMeasured(measurement)
}

/** Thrown by work that a system is known not to be able to do. The system can still be measured afterwards. */
export class Skipped extends Error {}

/** Gives a system whose server may be in a bad state a new one on the same data. */
export async function restart(subject: Running): Promise<void> {
  await subject.server.stop()
  subject.server = await subject.system.start(subject.directory)
}
