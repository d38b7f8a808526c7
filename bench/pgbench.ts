/** PostgreSQL's own benchmark, pgbench: its TPC-B-like script and its select-only script, by PostgreSQL 18's pgbench. */
import { availableParallelism } from 'node:os'
import { type Bench, inTurns, type Running, restart, Skipped } from './bench.js'
import { query } from './client.js'
import { runClient } from './run-client.js'

const SCALE = 10
const PROTOCOLS = ['simple', 'extended', 'prepared'] as const
const CLIENTS = [1, 8] as const

/** Seconds that pgbench may take beyond its run, to connect and to end. */
const GRACE = 60

type Script = 'TPC-B' | 'select-only'

/** Makes the tables, by a statement on the server: not every system takes COPY. Measured, for it is a load as well. */
export async function initialise(bench: Bench, running: readonly Running[]): Promise<void> {
  await inTurns(
    bench,
    running,
    [{ name: `pgbench -i, scale ${SCALE}`, unit: 'ms' }],
    async ({ server }) => {
      const began = performance.now()
      await runClient(bench.tree, 'pgbench', server.port, ['-i', '-I', 'dtGvp', '-s', `${SCALE}`], {
        deadline: 300,
      })
      return [performance.now() - began]
    },
    restart,
  )
}

export async function runScript(bench: Bench, running: readonly Running[], script: Script): Promise<void> {
  for (const clients of CLIENTS) {
    for (const protocol of PROTOCOLS) {
      const name = `${script}, ${protocol}, ${clients} client${clients > 1 ? 's' : ''}`
      await inTurns(
        bench,
        running,
        [{ name, unit: 'tps' }],
        async ({ server, system }) => {
          if (system.shares && clients > 1 && protocol !== 'simple')
            throw new Skipped(`clients share ${system.shares}`)
          const load = async (seconds: number) => {
            // A session that outlives its clients keeps their prepared statements.
            if (system.shares) await query(server.port, 'deallocate all')
            return runLoad(bench, server.port, script, protocol, clients, seconds)
          }
          // What one system has left to be written must not burden the next one.
          if (script === 'TPC-B') await query(server.port, 'checkpoint')
          await load(bench.warmUp)
          return [await load(bench.seconds)]
        },
        restart,
      )
    }
  }
}

/** Resolves with transactions per second, without the time that connecting took. */
async function runLoad(
  bench: Bench,
  port: number,
  script: Script,
  protocol: string,
  clients: number,
  seconds: number,
): Promise<number> {
  const output = await runClient(
    bench.tree,
    'pgbench',
    port,
    [
      ...(script === 'select-only' ? ['-S', '-n'] : []),
      ...['-M', protocol, '-c', `${clients}`, '-j', `${Math.min(clients, availableParallelism())}`],
      ...['-T', `${seconds}`],
    ],
    { deadline: seconds + GRACE },
  )
  const tps = /^tps = ([\d.]+)/m.exec(output)?.[1]
  if (tps === undefined) throw new Error(`pgbench printed no result:\n${output}`)
  return Number(tps)
}
