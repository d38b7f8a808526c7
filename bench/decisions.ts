/**
 * Questions of the kind that TPC-H asks of a wholesaler's data, at its scale 0.1 (600,000 lines of orders): TPC-H's tables and what its
 * queries do, with data from hash functions and shorter names, so the results are not TPC-H's. One process, and two workers.
 */
import type pg from 'pg'
import { type Bench, inTurns, type Running, restart } from './bench.js'
import { connect, query } from './client.js'
import { PARALLEL_QUESTION, QUESTIONS, SCHEMA, TABLES } from './decisions-queries.js'
import { geometricMean } from './measurement.js'

/** Lines of orders in a full run. */
const LINES = 600_000

const SESSION = "set work_mem = '64MB'; set max_parallel_workers_per_gather = 0; set timezone = 'UTC'"

/** Workers also where the table is small. */
const PARALLEL =
  'set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0'

export async function measureDecisions(bench: Bench, running: readonly Running[]): Promise<void> {
  const answers = new Map<string, string>()
  const measures = [
    { name: `decisions: ${Object.keys(QUESTIONS).length} questions, geometric mean`, unit: 'ms' },
    { name: 'decisions: one question with two parallel workers', unit: 'ms' },
  ] as const
  await inTurns(
    bench,
    running,
    measures,
    async ({ system, server }, round) => {
      if (round === 0) {
        await query(server.port, SCHEMA(Math.round(LINES * bench.amount)))
        await query(server.port, `vacuum analyze ${TABLES}`)
      }
      const client = await connect(server.port)
      try {
        await client.query(SESSION)
        const times: number[] = []
        const found: string[] = []
        for (const question of Object.values(QUESTIONS)) {
          found.push(await answerTo(client, question))
          times.push(await timed(client, question))
        }
        answers.set(system.name, JSON.stringify(found))
        await client.query(PARALLEL)
        await client.query(PARALLEL_QUESTION)
        return [geometricMean(times), await timed(client, PARALLEL_QUESTION)]
      } finally {
        await client.end()
      }
    },
    restart,
  )
  if (new Set(answers.values()).size > 1) bench.notes.push('answers to the questions of "decisions" differ')
}

async function timed(client: pg.Client, statement: string): Promise<number> {
  const began = performance.now()
  await client.query(statement)
  return performance.now() - began
}

async function answerTo(client: pg.Client, statement: string): Promise<string> {
  return JSON.stringify((await client.query<unknown[]>({ text: statement, rowMode: 'array' })).rows)
}
