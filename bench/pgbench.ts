/** PostgreSQL's own benchmark, pgbench: its TPC-B-like script and its select-only script, by PostgreSQL 18's pgbench. */
import { type Bench, inTurns, type Running, restart, Skipped } from './bench.js'
import { query } from './client.js'
import { percentile } from './measurement.js'
import { runClient } from './run-client.js'
import { type Load, runPgbench, warmUp } from './run-pgbench.js'

const SCALE = 10

type Script = 'TPC-B' | 'select-only'

/** With which protocol, and how many clients. `pipelined` sends ten statements at once. */
const LOADS: Readonly<Record<Script, readonly (readonly [protocol: string, ...clients: number[]])[]>> = {
  'select-only': [
    ['prepared', 1, 4, 16, 64],
    ['simple', 1, 4, 16],
    ['extended', 1, 16],
    ['pipelined', 1, 16],
  ],
  'TPC-B': [
    ['simple', 1, 4, 16],
    ['prepared', 1, 16],
  ],
}

const PIPELINED = [
  `\\set first random(1, ${SCALE * 100_000 - 10})`,
  '\\startpipeline',
  ...Array.from({ length: 10 }, (_, i) => `select abalance from pgbench_accounts where aid = :first + ${i};`),
  '\\endpipeline',
].join('\n')

const SCRIPTS: Readonly<Record<string, Pick<Load, 'args' | 'scripts'>>> = {
  'select-only': { args: ['-S', '-n'] },
  'TPC-B': { args: [] },
  pipelined: { args: ['-n'], scripts: [[PIPELINED, 1]] },
}

export const LATENCY = 'latency of select-only, prepared, 16 clients, 99 %'

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
  if (script === 'select-only') await measureWarmUp(bench, running)
  for (const [protocol, ...counts] of LOADS[script]) {
    for (const clients of counts) {
      const name = `${script}, ${protocol}, ${clients} client${clients > 1 ? 's' : ''}`
      await inTurns(
        bench,
        running,
        [{ name, unit: 'tps' }],
        async ({ server, system }) => {
          if (system.shares && clients > 1 && protocol !== 'simple')
            throw new Skipped(`clients share ${system.shares}`)
          const { args, scripts } = SCRIPTS[protocol] ?? SCRIPTS[script]!
          const mode = protocol === 'pipelined' ? 'prepared' : protocol
          const load = { clients, args: [...args, '-M', mode], ...(scripts && { scripts }) }
          // What one system has left to be written must not burden the next one.
          if (script === 'TPC-B') await query(server.port, 'checkpoint')
          // A session that outlives its clients keeps their prepared statements.
          const forget = async () => system.shares && (await query(server.port, 'deallocate all'))
          await forget()
          await warmUp(bench.tree, server.port, load, bench.warmUp)
          await forget()
          return [(await runPgbench(bench.tree, server.port, load, bench.seconds)).tps]
        },
        restart,
      )
    }
  }
  if (script === 'select-only') await measureLatency(bench, running)
}

/** What the first client of a new server gets in its first seconds: V8 compiles meanwhile. */
async function measureWarmUp(bench: Bench, running: readonly Running[]): Promise<void> {
  await inTurns(
    bench,
    running,
    [{ name: 'first 2 s after a start: select-only, prepared, 1 client', unit: 'tps' }],
    async subject => {
      await restart(subject)
      const load = { clients: 1, args: ['-S', '-n', '-M', 'prepared'] }
      return [(await runPgbench(bench.tree, subject.server.port, load, 2)).tps]
    },
    restart,
  )
}

async function measureLatency(bench: Bench, running: readonly Running[]): Promise<void> {
  await inTurns(
    bench,
    running,
    [{ name: LATENCY, unit: 'ms' }],
    async ({ server, system }) => {
      if (system.shares) throw new Skipped(`clients share ${system.shares}`)
      const load = { clients: 16, args: ['-S', '-n', '-M', 'prepared'], latencies: true }
      const { latencies } = await runPgbench(bench.tree, server.port, load, bench.seconds)
      return [percentile(latencies, 99)]
    },
    restart,
  )
}
