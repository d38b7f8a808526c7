/** A client within a transaction that is rolled back, and to which that does not show. */
import pg from 'pg'
import { type PostgresServer, startServer } from 'pglite-imports-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { beginTransaction } from '../../testing/transaction.js'

let server: PostgresServer
let client: pg.Client
let end: Awaited<ReturnType<typeof beginTransaction>>
beforeAll(async () => {
  server = await startServer({ port: 0 })
  client = new pg.Client({ stream: () => server.connect(), user: 'postgres' })
  await client.connect()
  await client.query("create table article (name text unique); insert into article values ('lamp')")
})
beforeEach(async () => {
  end = await beginTransaction(client)
})
afterEach(() => end('rollback'))
afterAll(async () => {
  await client.end()
  await server.stop()
})

async function articles(): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from article order by name')
  return rows.map(({ name }) => name)
}

test.each(['one', 'the next'])('%s sees nothing of what another one has done', async () => {
  expect(await articles()).toEqual(['lamp'])
  await client.query("insert into article values ('chair')")
  expect(await articles()).toEqual(['chair', 'lamp'])
})

test('what it commits stays, and what it rolls back does not', async () => {
  await client.query('BEGIN')
  await client.query("insert into article values ('chair')")
  await client.query('COMMIT;')
  await client.query('start transaction isolation level read committed')
  await client.query("insert into article values ('table')")
  await client.query('rollback')
  expect(await articles()).toEqual(['chair', 'lamp'])
})

test('a statement that fails is undone by itself', async () => {
  await client.query("insert into article values ('chair')")
  await expect(client.query("insert into article values ('lamp')")).rejects.toMatchObject({ code: '23505' })
  expect(await articles()).toEqual(['chair', 'lamp'])
})

test('a statement that fails in a transaction fails those after it, until that ends', async () => {
  await client.query('begin')
  await client.query("insert into article values ('chair')")
  await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
  await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
  await client.query('commit')
  expect(await articles()).toEqual(['lamp'])
})

test('savepoints of its own work in it', async () => {
  await client.query('begin')
  await client.query("insert into article values ('chair')")
  await client.query('savepoint before')
  await client.query("insert into article values ('table')")
  await client.query('rollback to savepoint before')
  await client.query('commit')
  expect(await articles()).toEqual(['chair', 'lamp'])
})

test('parameters, callbacks and statements at the same time are answered', async () => {
  const called = new Promise((resolve, reject) => {
    client.query('select $1::int as n', [7], (error, result) =>
      error ? reject(error) : resolve(result.rows),
    )
  })
  const configured = new Promise((resolve, reject) => {
    const config = {
      text: 'select 8 as n',
      callback: (error: Error, result: pg.QueryResult) => (error ? reject(error) : resolve(result.rows)),
    }
    client.query(config as pg.QueryConfig)
  })
  const asked = Promise.all([9, 10].map(n => client.query('select $1::int as n', [n])))
  expect(await called).toEqual([{ n: 7 }])
  expect(await configured).toEqual([{ n: 8 }])
  expect((await asked).map(({ rows }) => rows[0])).toEqual([{ n: 9 }, { n: 10 }])
})
