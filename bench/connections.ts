/** How long it takes to connect, run `select 1` and disconnect, one connection after the other. */
import { type Bench, inTurns, type Running, restart } from './bench.js'
import { query } from './client.js'
import { percentile } from './measurement.js'

/** Connections of a round in a full run, after as many as a quarter of them to warm up. */
const CONNECTIONS = 200

export async function measureConnections(bench: Bench, running: readonly Running[]): Promise<void> {
  const count = Math.ceil(CONNECTIONS * bench.amount)
  await inTurns(
    bench,
    running,
    [
      { name: 'connect, select 1, close: median', unit: 'ms' },
      { name: 'connect, select 1, close: 95 %', unit: 'ms' },
    ],
    async ({ server }) => {
      const times: number[] = []
      for (let i = -count / 4; i < count; i++) {
        const began = performance.now()
        await query(server.port, 'select 1')
        if (i >= 0) times.push(performance.now() - began)
      }
      return [percentile(times, 50), percentile(times, 95)]
    },
    restart,
  )
}
