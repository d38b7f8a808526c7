/** Queries without a connection: by a call inside of the object, and by HTTP from outside. */
import { describe, expect, test } from 'vitest'
import { testNeonQueries } from '../fixtures/neon-queries.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

/** database.ts has it, which only workerd can load. */
const PASSWORD = "it's a \\ 'secret'"

const runtime = useWorkerd()

const ask = (object: string, ...statements: [text: string, values?: unknown[]][]) =>
  runtime.do<{ rows: unknown[] }[]>(object, { type: 'queries', statements })

describe('inside', () => {
  test('a query is answered as by node-postgres, and nothing is left of it for the next', async () => {
    const clock = 'abs(extract(epoch from now()) - $2) < 10'
    const [result] = await ask('inside', [`select $1::int as one, ${clock} as yes`, [1, Date.now() / 1000]])
    expect(result).toMatchObject({
      ...{ command: 'SELECT', rowCount: 1, rows: [{ one: 1, yes: true }] },
      fields: [
        { name: 'one', dataTypeID: 23 },
        { name: 'yes', dataTypeID: 16 },
      ],
    })
    const [, , , left] = await ask(
      'inside',
      ["set work_mem = '1MB'"],
      ['create temporary table left_over ()'],
      ['begin'],
      ["select current_setting('work_mem') as work_mem, to_regclass('left_over') as gone"],
    )
    expect(left!.rows).toEqual([{ work_mem: '4MB', gone: null }])
    await expect(ask('inside', ['select nonsense'])).rejects.toMatchObject({ code: '42703' })
  })

  test('a transaction is rolled back when its function throws, or has passed over an error', async () => {
    const transaction = (statements: string[], more = {}) =>
      runtime.do('inside', { type: 'pooled transaction', statements, ...more })
    await ask('inside', ['create table kept (id int)'])
    expect(await transaction(['insert into kept values (1)', 'select * from kept'])).toEqual([{ id: 1 }])
    await expect(transaction(['insert into kept values (2)'], { failing: true })).rejects.toThrow(
      'the function has failed',
    )
    expect(
      await transaction(["select current_setting('transaction_isolation') as level"], {
        options: { isolationLevel: 'serializable', readOnly: true },
      }),
    ).toEqual([{ level: 'serializable' }])
    const [left] = await ask('inside', ['select * from kept'])
    expect(left!.rows).toEqual([{ id: 1 }])
    const [locks] = await ask('inside', [
      "select count(*)::int as n from pg_locks where mode like '%ExclusiveLock' and relation = 'kept'::regclass",
    ])
    expect(locks!.rows).toEqual([{ n: 0 }])
  })

  test('many at once are answered by a few sessions, which let the server be suspended', async () => {
    const count = 300
    const task = { type: 'many queries', count, atOnce: true } as const
    expect(await runtime.do('durable-many', task)).toBe((count * (count - 1)) / 2)
    const [sessions] = await ask('durable-many', [
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend'",
    ])
    expect((sessions!.rows[0] as { n: number }).n).toBeLessThanOrEqual(3)
    await until('it is suspended', async () => (await runtime.do('durable-many', { type: 'memory' })) === 0)
    expect(await runtime.do('durable-many', { ...task, count: 2 })).toBe(1)
  })

  test('deleteAll() ends the sessions of the pool, and the next query finds a new cluster', async () => {
    await ask('durable-deleted', ['create table gone ()'])
    await runtime.do('durable-deleted', { type: 'delete all' })
    await expect(ask('durable-deleted', ['select from gone'])).rejects.toMatchObject({ code: '42P01' })
  })
})

/** Milliseconds of processor time that each takes. */
async function costOf(count: number, task: (count: number) => Promise<unknown>): Promise<number> {
  const before = runtime.processorTime()
  await task(count)
  return (runtime.processorTime() - before) / count
}

/** One query by HTTP. */
const byHttp = (object: string, query: string) =>
  fetch(runtime.url(`${object}/sql`).replace('ws:', 'http:'), {
    method: 'POST',
    headers: { 'Neon-Connection-String': `postgres://postgres:${encodeURIComponent(PASSWORD)}@x/postgres` },
    body: JSON.stringify({ query }),
  }).then(response => response.json())

test('a warm query of one row costs a fraction of a session of its own', async () => {
  const inside = (count: number) => runtime.do('cost', { type: 'many queries', count, atOnce: false })
  const repeated = (once: () => Promise<unknown>) => async (count: number) => {
    for (let i = 0; i < count; i++) await once()
  }
  const outside = repeated(() => byHttp('cost', 'select 1 as one'))
  const session = repeated(() => runtime.do('cost', { type: 'transaction', statements: ['select 1'] }))
  await inside(100)
  await outside(100)
  const costs = {
    inside: await costOf(1000, inside),
    outside: await costOf(300, outside),
    session: await costOf(30, session),
  }
  expect(costs.inside).toBeLessThan(costs.session / 5)
  expect(costs.outside).toBeLessThan(costs.session / 2)
}, 120_000)

describe('by HTTP', () => {
  testNeonQueries(() => ({
    endpoint: `${runtime.url('http/sql').replace('ws:', 'http:')}`,
    url: (user = 'postgres', password = PASSWORD) =>
      `postgres://${user}:${encodeURIComponent(password)}@database.example/postgres`,
  }))

  test('an answer that is too large fails, and others go on', async () => {
    expect(await byHttp('http', "select repeat('x', 1000) from generate_series(1, 100000)")).toMatchObject({
      code: '54000',
    })
    expect(await byHttp('http', 'select 1 as one')).toMatchObject({ rows: [{ one: 1 }] })
  })
})
