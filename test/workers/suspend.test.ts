/** A server in an object is suspended when no client is connected, and starts again for the next one. */
import { expect, test } from 'vitest'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const MEGABYTE = 1 << 20

/** Ends the session and waits until the server is suspended. */
async function leave(object: string): Promise<void> {
  await runtime.do(object, { type: 'end', session: 'a' })
  await until('the server is suspended', async () => (await memory(object)) === 0)
}

const memory = (object: string) => runtime.do<number>(object, { type: 'memory' })
const query = <T = Record<string, unknown>>(object: string, sql: string) => runtime.query<T>(object, 'a', sql)

test('a suspended server has no memory and no timers, and serves the next client', async () => {
  await query(
    'durable',
    'create table visits (id serial, at timestamptz default now()); insert into visits default values',
  )
  expect(await memory('durable')).toBeGreaterThan(0)
  await leave('durable')
  expect(await runtime.do('durable', { type: 'timers' })).toBe(0)
  expect(await query('durable', 'insert into visits default values returning id')).toEqual([{ id: 2 }])
})

test('many clients that come at once to a suspended server are all served, by one server', async () => {
  await leave('durable')
  const sessions = ['a', 'b', 'c', 'd']
  const started = () =>
    runtime.query<{ at: string }>('durable', 'a', 'select pg_postmaster_start_time()::text as at')
  const rows = await Promise.all(
    sessions.map(session =>
      runtime.query('durable', session, 'select pg_postmaster_start_time()::text as at'),
    ),
  )
  expect(new Set(rows.map(([row]) => row!.at))).toEqual(new Set((await started()).map(({ at }) => at)))
  for (const session of sessions.slice(1)) await runtime.do('durable', { type: 'end', session })
})

test('a client that comes while it shuts down is served by the next server', async () => {
  for (const pause of [980, 1000, 1010, 1020, 1040, 1080]) {
    await runtime.do('durable', { type: 'end', session: 'a' })
    await new Promise(resolve => setTimeout(resolve, pause))
    expect(await query('durable', 'select count(*)::int from visits')).toEqual([{ count: 2 }])
  }
})

test('serials do not jump and statistics are kept', async () => {
  await query('durable', 'analyze visits')
  for (const id of [3, 4, 5]) {
    await leave('durable')
    expect(await query('durable', 'insert into visits default values returning id')).toEqual([{ id }])
  }
  const [row] = await query(
    'durable',
    "select n_tup_ins::int, last_analyze is not null as analyzed from pg_stat_user_tables where relname = 'visits'",
  )
  // The statistics of what this session has done come when it ends.
  expect(row).toEqual({ n_tup_ins: 4, analyzed: true })
})

test('the tables that autovacuum would vacuum and analyze are, in every database', async () => {
  await query(
    'durable',
    'create table counters as select i as id, 0 as value from generate_series(1, 2000) i',
  )
  await query(
    'durable',
    'create table "left alone" with (autovacuum_enabled = off) as select * from counters',
  )
  const pages = async () =>
    (
      await query<{ pages: number }>('durable', "select (pg_relation_size('counters') / 8192)::int as pages")
    )[0]!.pages
  await query('durable', 'update counters set value = value + 1')
  const first = await pages()
  for (let cycle = 0; cycle < 6; cycle++) {
    await leave('durable')
    await query('durable', 'update counters set value = value + 1')
  }
  expect(await pages()).toBeLessThanOrEqual(first + 1)
  await leave('durable')
  const tuples = await query(
    'durable',
    "select relname, reltuples::int from pg_class where relname in ('counters', 'left alone') order by 1",
  )
  expect(tuples).toEqual([
    { relname: 'counters', reltuples: 2000 },
    { relname: 'left alone', reltuples: -1 },
  ])
})

test('twenty cycles of wake, query and eviction do not grow the isolate', async () => {
  const object = 'durable-evicted'
  const cycle = async () => {
    await query(object, 'select 1')
    await leave(object)
    await runtime.do(object, { type: 'abort' }).catch(() => {})
  }
  const used = async () => {
    const { usedSize, backingStorageSize } = await runtime.heap()
    return usedSize + backingStorageSize
  }
  await query(object, 'create table kept as select 1 as one')
  for (let i = 0; i < 4; i++) await cycle()
  const before = await used()
  for (let i = 0; i < 20; i++) await cycle()
  expect((await used()) - before).toBeLessThanOrEqual(2 * MEGABYTE)
  await runtime.heap()
  expect(await runtime.do('durable-observer', { type: 'memories' })).toBeLessThanOrEqual(1)
})

test('a suspended server can be stopped, and does not start again', async () => {
  await leave('durable')
  await runtime.do('durable', { type: 'stop' })
  expect(await query('durable', 'select count(*)::int from visits')).toEqual([{ count: 5 }])
})
