/** From the start of the process to the first answer: on an empty directory, on that directory again, on none. */
import { type Bench, inTurns } from './bench.js'

export const FIRST_START = 'first start, empty directory'
export const REOPEN = 'start on existing data'
export const EPHEMERAL_START = 'start, ephemeral'

export async function measureStarts(bench: Bench): Promise<void> {
  await inTurns(
    bench,
    bench.systems.map(system => ({ system })),
    [
      { name: FIRST_START, unit: 'ms' },
      { name: REOPEN, unit: 'ms' },
      { name: EPHEMERAL_START, unit: 'ms' },
    ],
    async ({ system }) => {
      const times: number[] = []
      const directory = system.makeDirectory(`start-${system.name}`)
      try {
        for (const where of [directory, directory, undefined]) {
          const server = await system.start(where)
          times.push(server.startTime)
          await server.stop()
        }
      } finally {
        system.removeDirectory(directory)
      }
      return times
    },
  )
}
