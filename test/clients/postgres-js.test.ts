import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(server.url, { max: 4, onnotice: () => {} })
})
afterAll(() => sql?.end())

test('tagged queries with parameters, arrays and json', async () => {
  const json = { a: [1, 'x', null] }
  const [row] = await sql`
    select ${42}::int as i, ${'ä€😀'} as t, ${[1, 2, 3]}::int[] as a, ${sql.json(json)}::jsonb as j,
      ${new Date('2024-02-29T00:00:00Z')}::timestamptz as d, ${Buffer.from([0, 1, 255])}::bytea as b`
  expect(row).toEqual({
    i: 42,
    t: 'ä€😀',
    a: [1, 2, 3],
    j: json,
    d: new Date('2024-02-29T00:00:00Z'),
    b: Buffer.from([0, 1, 255]),
  })
})

test('rows are inserted from objects and returned', async () => {
  await sql`create table people (id int generated always as identity, name text, age int)`
  const people = [
    { name: 'Ada', age: 36 },
    { name: 'Grace', age: 85 },
  ]
  expect(await sql`insert into people ${sql(people)} returning name, age`).toEqual(people)
})

test('a transaction commits, and one whose function throws is rolled back', async () => {
  await sql`create table ledger (amount int)`
  await sql.begin(async tx => {
    await tx`insert into ledger values (1)`
    await tx`insert into ledger values (2)`
  })
  const failure = sql.begin(async tx => {
    await tx`insert into ledger values (100)`
    await tx.savepoint(inner => inner`insert into ledger values (200)`)
    throw new Error('changed my mind')
  })
  await expect(failure).rejects.toThrow('changed my mind')
  expect(await sql`select sum(amount)::int as sum from ledger`).toEqual([{ sum: 3 }])
})

test('statements of one connection are pipelined and answered in order', async () => {
  const one = postgres(server.url, { max: 1 })
  try {
    const results = await Promise.all(Array.from({ length: 500 }, (_, i) => one`select ${i}::int as i`))
    expect(results.map(([row]) => row!.i)).toEqual(Array.from({ length: 500 }, (_, i) => i))
  } finally {
    await one.end()
  }
})

test('a cursor fetches part by part and can be left early', async () => {
  const sizes: number[] = []
  await sql`select i from generate_series(1, 1000000) i`.cursor(100, rows => {
    sizes.push(rows.length)
    return sizes.length === 3 ? sql.CLOSE : undefined
  })
  expect(sizes).toEqual([100, 100, 100])
})

test('rows are copied in and out by streams', async () => {
  // postgres.js may leave a connection paused after a COPY TO, with native PostgreSQL as well; so it gets one of its own.
  const sql = postgres(server.url, { max: 1 })
  await sql`create table copied (id int, t text)`
  const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\tline ${i}\n`)
  await pipeline(Readable.from(lines), await sql`copy copied from stdin`.writable())
  let out = ''
  for await (const part of await sql`copy (select * from copied order by id) to stdout`.readable())
    out += part
  expect(out).toBe(lines.join(''))
  await sql.end({ timeout: 0 })
})

test('a listener hears a notification', async () => {
  let hear: (payload: string) => void = () => {}
  const heard = new Promise<string>(resolve => {
    hear = resolve
  })
  const { unlisten } = await sql.listen('news', payload => hear(payload))
  await sql.notify('news', 'extra')
  expect(await heard).toBe('extra')
  await unlisten()
})

test('a query is cancelled by its cancel()', async () => {
  const query = sql`select count(*) as cancel_me from generate_series(1, 1000000000000)`.execute()
  const failure = expect(query).rejects.toMatchObject({ code: '57014' })
  await until('the query runs', async () => {
    const rows =
      await sql`select from pg_stat_activity where query like '%cancel_me%' and pid <> pg_backend_pid()
      and state = 'active'`
    return rows.length === 1
  })
  query.cancel()
  await failure
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
})

test('an error is a PostgresError with its SQLSTATE', async () => {
  await expect(sql`select * from nowhere`).rejects.toMatchObject({ name: 'PostgresError', code: '42P01' })
})
