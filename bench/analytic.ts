/** Times the analytic queries one by one, and the whole set by its geometric mean. */
import type pg from 'pg'
import { QUERIES, SCHEMA, SESSION, TABLES } from './analytic-queries.js'
import { add, type Bench, inTurns, type Running, restart } from './bench.js'
import { connect, query } from './client.js'
import { geometricMean, measurementOf, result } from './measurement.js'

/** Runs of a query in one round; the round counts their median. */
const REPETITIONS = 3

export async function runAnalytic(bench: Bench, running: readonly Running[]): Promise<void> {
  await inTurns(
    bench,
    running,
    [{ name: 'analytic: making the tables', unit: 'ms' }],
    async ({ server }) => {
      const began = performance.now()
      await query(server.port, SCHEMA)
      await query(server.port, `vacuum analyze ${TABLES}`)
      return [performance.now() - began]
    },
    restart,
  )

  const each = []
  for (const [name, statement] of Object.entries(QUERIES)) {
    const answers = new Map<string, string>()
    const measurements = await inTurns(
      bench,
      running,
      [{ name: `analytic: ${name}`, unit: 'ms' }],
      async ({ system, server }, round) => {
        const client = await connect(server.port)
        try {
          await client.query(SESSION)
          if (round === 0) answers.set(system.name, await answerTo(client, statement))
          const times = []
          for (let i = 0; i < REPETITIONS; i++) {
            const began = performance.now()
            await client.query(statement)
            times.push(performance.now() - began)
          }
          return [times.sort((a, b) => a - b)[REPETITIONS >> 1]!]
        } finally {
          await client.end()
        }
      },
      restart,
    )
    each.push(...measurements)
    if (new Set(answers.values()).size > 1)
      bench.notes.push(`answers to "${name}" differ: ${[...answers].map(a => a.join(' ')).join('; ')}`)
  }

  const mean = measurementOf({ name: ANALYTIC_MEAN, unit: 'ms' })
  for (const { system } of running) {
    const results = each.map(measurement => result(measurement, system.name))
    const complete = results.filter(value => value !== undefined)
    if (complete.length === results.length) mean.values[system.name] = [geometricMean(complete)]
    else mean.missing[system.name] = 'it has not answered all queries'
  }
  add(bench, mean)
}

export const ANALYTIC_MEAN = 'analytic, geometric mean'

/** The rows as text; this run is the query's warm-up as well. */
async function answerTo(client: pg.Client, statement: string): Promise<string> {
  return JSON.stringify((await client.query<unknown[]>({ text: statement, rowMode: 'array' })).rows)
}
