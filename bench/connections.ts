/** How long it takes to connect, run `select 1` and disconnect: one connection after the other, and 20 clients at once without end. */
import { type Bench, inTurns, type Running, restart, Skipped } from './bench.js'
import { query } from './client.js'
import { percentile } from './measurement.js'
import { runPgbench, warmUp } from './run-pgbench.js'

/** Connections of a round in a full run, after as many as a quarter of them to warm up. */
const CONNECTIONS = 200

const STORM = 20

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
  await inTurns(
    bench,
    running,
    [{ name: `a connection for each select, ${STORM} clients`, unit: 'tps' }],
    async ({ server, system }) => {
      if (system.shares) throw new Skipped(`clients share ${system.shares}`)
      const load = { clients: STORM, args: ['-C', '-n'], scripts: [['select 1;', 1]] as const }
      await warmUp(bench.tree, server.port, load, 2)
      return [(await runPgbench(bench.tree, server.port, load, bench.seconds)).tps]
    },
    restart,
  )
}
