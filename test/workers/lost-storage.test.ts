/** A storage that undoes writes: no client is told of a commit that is lost, and a new server goes on with what is left. */
import { expect, test } from 'vitest'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

/** A session that only reads is answered for so long at most before it is told: LOOK_INTERVAL in workers/storage/durability.ts, and some. */
const noticed = () => new Promise(resolve => setTimeout(resolve, 150))

const query = (object: string, session: string, sql: string) => runtime.query(object, session, sql)

for (const object of ['durable-deleted', 'durable-deleted-at-work?never-suspended'])
  test(`deleteAll() ends the sessions of ${object}, who are told so, and the next has a new cluster`, async () => {
    await query(object, 'idle', 'create table gone as select 1 as one')
    await query(object, 'running', 'select 1')
    await runtime.do(object, { type: 'send', session: 'running', sql: 'select pg_sleep(60)' })
    await runtime.do(object, { type: 'delete all' })
    await noticed()
    const told = { code: '57P01', message: expect.stringContaining('storage was deleted') }
    await expect(query(object, 'idle', 'select * from gone')).rejects.toMatchObject(told)
    await expect(runtime.do(object, { type: 'result', session: 'running' })).rejects.toMatchObject(told)
    await expect(query(object, 'new', 'select * from gone')).rejects.toMatchObject({ code: '42P01' })
    await query(object, 'new', 'create table kept as select 2 as two')
    expect(await query(object, 'another', 'select * from kept')).toEqual([{ two: 2 }])
    await runtime.do(object, { type: 'stop' })
    expect(await query(object, 'later', 'select * from kept')).toEqual([{ two: 2 }])
  })

test('the first client after deleteAll() finds a new cluster', async () => {
  await query('durable-first', 'a', 'create table gone ()')
  await runtime.do('durable-first', { type: 'delete all' })
  await expect(query('durable-first', 'b', 'select from gone')).rejects.toMatchObject({ code: '42P01' })
})

test('deleteAll() while the server is suspended leaves a new cluster, too', async () => {
  const object = 'durable-suspended'
  await query(object, 'a', 'create table gone ()')
  await runtime.do(object, { type: 'end', session: 'a' })
  await until('it is suspended', async () => (await runtime.do(object, { type: 'memory' })) === 0)
  await runtime.do(object, { type: 'delete all' })
  await expect(query(object, 'b', 'select from gone')).rejects.toMatchObject({ code: '42P01' })
})

const inTransaction = (object: string, session: string, ...statements: string[]) =>
  runtime.do(object, { type: 'storage transaction', session, statements })

test('a commit within a transaction of the storage is not acknowledged', async () => {
  const object = 'durable-within'
  await query(object, 'a', 'create table numbers as select 1 as number')
  await expect(inTransaction(object, 'a', 'insert into numbers values (2)')).rejects.toMatchObject({
    code: '40003',
    message: expect.stringContaining('within ctx.storage.transaction()'),
  })
  expect(await query(object, 'b', 'select * from numbers')).toEqual([{ number: 1 }])
  await query(object, 'b', 'insert into numbers values (3)')
  await runtime.kill()
  await runtime.start()
  expect(await query(object, 'c', 'select * from numbers')).toEqual([{ number: 1 }, { number: 3 }])
})

test('code in a transaction of the storage may ask queries', async () => {
  const object = 'durable-asked'
  await query(object, 'a', 'create table numbers as select 1 as number')
  await query(object, 'a', 'select * from numbers')
  await expect(inTransaction(object, 'a', 'select * from numbers')).rejects.toThrow('the closure has failed')
  expect(await query(object, 'a', 'insert into numbers values (2) returning number')).toEqual([{ number: 2 }])
})

for (const statement of ['insert into numbers values (2)', 'select 1', 'create table other ()'])
  test(`after a transaction of the storage has taken back pages, nothing is acknowledged: ${statement}`, async () => {
    const object = `durable-undone-${statement.replaceAll(/\W/g, '-')}`
    await query(object, 'a', 'create table numbers as select 1 as number')
    await expect(
      inTransaction(object, 'a', 'begin', 'create table gone as select generate_series(1, 1000)'),
    ).rejects.toThrow('the closure has failed')
    await noticed()
    await expect(query(object, 'a', statement)).rejects.toMatchObject({
      code: '58030',
      message: expect.stringContaining('has lost writes'),
    })
    expect(await query(object, 'c', 'select * from numbers')).toEqual([{ number: 1 }])
    await query(object, 'c', 'create extension amcheck')
    await query(
      object,
      'c',
      "select bt_index_check(c.oid, true) from pg_class c join pg_am a on relam = a.oid where amname = 'btree'",
    )
  })
