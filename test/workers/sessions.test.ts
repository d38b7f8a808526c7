import { expect, test } from 'vitest'
import { referenceTime } from '../fixtures/reference-loop.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const MEGABYTE = 1 << 20

const query = <T = Record<string, unknown>>(session: string, sql: string) =>
  runtime.query<T>('memory', session, sql)

async function backendOf(session: string): Promise<number> {
  return (await query<{ pid: number }>(session, 'select pg_backend_pid() as pid'))[0]!.pid
}

/** Resolves when that backend waits for a lock, or for a client, or for whatever else it is. */
async function untilWaiting(pid: number, forWhat: string): Promise<void> {
  await until(`backend ${pid} waits: ${forWhat}`, async () => {
    const sql = `select from pg_stat_activity where pid = ${pid} and wait_event_type = '${forWhat}'`
    return (await query('watcher', sql)).length === 1
  })
}

test('a Worker cannot generate code at run time', async () => {
  expect(await runtime.do('memory', { type: 'generate code' })).toEqual([])
})

/** What an object's server takes to start, in milliseconds of processor time. */
async function startTime(object: string): Promise<number> {
  const before = runtime.processorTime()
  await runtime.do(object, { type: 'memory' })
  return runtime.processorTime() - before
}

/** How many times as long as the reference loop a start takes. Of both the least counts, for it is what others disturbed the least. */
async function relativeTime(rounds: number, start: (round: number) => Promise<number>): Promise<number> {
  const times: number[] = []
  const references: number[] = []
  for (let round = 0; round < rounds; round++) {
    references.push(referenceTime())
    times.push(await start(round))
  }
  return Math.min(...times) / Math.min(...references)
}

test('the server of a new object takes at most 10 times the reference loop to start, some 700 ms', async () => {
  expect(await relativeTime(4, round => startTime(`durable-new-${round}`))).toBeLessThanOrEqual(10)
})

test('one on a cluster that was shut down takes at most 3 times the loop in a warm isolate, some 200 ms', async () => {
  const again = async () => {
    await runtime.do('durable-new-0', { type: 'stop' })
    return startTime('durable-new-0')
  }
  expect(await relativeTime(8, again)).toBeLessThanOrEqual(3)
})

test('a new server takes no more than 32 MB of memory', async () => {
  expect(await runtime.do<number>('fresh', { type: 'memory' })).toBeLessThanOrEqual(32 * MEGABYTE)
})

test('node-postgres and postgres.js are answered', async () => {
  const sql = "select 18 <= current_setting('server_version_num')::int / 10000 as current"
  expect(await query('a', sql)).toEqual([{ current: true }])
  expect(await runtime.do('memory', { type: 'postgres.js', sql })).toEqual([{ current: true }])
})

test('Drizzle inserts, selects and rolls back', async () => {
  expect(await runtime.do('memory', { type: 'drizzle' })).toEqual([{ id: 1, name: 'kept' }])
})

test('PL/pgSQL and full text search work, which are loaded modules', async () => {
  await query(
    'a',
    `create function stems(text) returns text language plpgsql as
      $$ begin return to_tsvector('english', $1)::text; exception when others then return sqlerrm; end $$`,
  )
  expect(await query('a', "select stems('running dogs')")).toEqual([{ stems: "'dog':2 'run':1" }])
})

test('extensions of contrib can be created', async () => {
  await query('a', 'create extension hstore')
  expect(await query('a', "select 'a=>1'::hstore -> 'a' as value")).toEqual([{ value: '1' }])
})

test('a row lock held by A makes B wait until A commits', async () => {
  await query('a', 'create table locked as select 1 as id, 0 as value')
  await query('a', 'begin')
  await query('a', 'update locked set value = 1')
  const backend = await backendOf('b')
  const sql = 'update locked set value = value * 10 returning value'
  await runtime.do('memory', { type: 'send', session: 'b', sql })
  await untilWaiting(backend, 'Lock')
  await query('a', 'commit')
  expect(await runtime.do('memory', { type: 'result', session: 'b' })).toEqual([{ value: 10 }])
})

test('a deadlock is detected', async () => {
  await query('a', 'create table crossed as select id, 0 as value from generate_series(1, 2) id')
  for (const [session, id] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    await query(session, 'begin')
    await query(session, `update crossed set value = 1 where id = ${id}`)
  }
  const crosswise = async (session: string, id: number) => {
    const outcome = await query(session, `update crossed set value = 2 where id = ${id}`).then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
    await query(session, 'commit')
    return outcome
  }
  const outcomes = await Promise.all([crosswise('a', 2), crosswise('b', 1)])
  expect(outcomes.sort()).toEqual(['40P01', 'done'])
})

test('settings are per session', async () => {
  await query('a', "set application_name = 'of a'")
  expect(await query('b', 'show application_name')).not.toEqual(await query('a', 'show application_name'))
})

test('NOTIFY reaches another session', async () => {
  await query('a', 'listen news')
  await query('b', "notify news, 'hello'")
  await until('the notification is there', async () => {
    const heard = await runtime.do<unknown[]>('memory', { type: 'notifications', session: 'a' })
    return heard.length === 1
  })
  expect(await runtime.do('memory', { type: 'notifications', session: 'a' })).toEqual([
    { channel: 'news', payload: 'hello' },
  ])
})

/** Statements that would take for hours, each keeping the processor busy in another way. */
const BUSY = [
  'select count(*) from generate_series(1, 1000000000000::bigint)',
  'select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b',
  'do $$ declare i bigint := 0; begin loop i := i + 1; end loop; end $$',
  "select repeat('a', 4000) || 'b' ~ '^(a|a?)+(a|aa)+(a|aa?)+$' from generate_series(1, 100000000) i",
]

test.each(BUSY)('while one session is busy others are served, and can cancel it: %s', async sql => {
  const backend = await backendOf('a')
  await runtime.do('memory', { type: 'send', session: 'a', sql })
  expect(await query('b', 'select 1 as one')).toEqual([{ one: 1 }])
  await query('b', `select pg_cancel_backend(${backend})`)
  await expect(runtime.do('memory', { type: 'result', session: 'a' })).rejects.toMatchObject({
    code: '57014',
    message: 'canceling statement due to user request',
  })
})

test.each(BUSY)('statement_timeout stops what is busy: %s', async sql => {
  await query('a', "set statement_timeout = '100ms'")
  await expect(query('a', sql)).rejects.toMatchObject({ code: '57014' })
  await query('a', 'reset statement_timeout')
})

test('deep recursion is 54001, and the session goes on', async () => {
  await query('a', 'create function deep() returns int language plpgsql as $$ begin return deep(); end $$')
  await expect(query('a', 'select deep()')).rejects.toMatchObject({ code: '54001' })
  await expect(query('a', "select repeat('[', 1000000)::json")).rejects.toMatchObject({ code: '54001' })
  await query(
    'a',
    `do $$ begin create temp view v0 as select 1 as i;
     for n in 1..1000 loop execute format('create temp view v%s as select i from v%s', n, n - 1); end loop; end $$`,
  )
  await expect(query('a', 'select * from v1000')).rejects.toMatchObject({ code: '54001' })
  expect(await query('a', 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a client that goes away rolls back and frees its locks, idle or busy', async () => {
  await query('a', 'create table kept as select 1 as value')
  for (const busy of [false, true]) {
    await query('leaver', "set client_connection_check_interval = '100ms'")
    await query('leaver', 'begin')
    await query('leaver', 'update kept set value = 2')
    if (busy) await runtime.do('memory', { type: 'send', session: 'leaver', sql: BUSY[1]! })
    await runtime.do('memory', { type: 'drop', session: 'leaver' })
    expect(await query('b', 'select value from kept for update')).toEqual([{ value: 1 }])
  }
})

test('what a request does in an object goes on when its client leaves, and leaves no session behind', async () => {
  await query('a', 'create table early (value int)')
  await query('a', 'select pg_advisory_lock(7)')
  const others = () =>
    query('a', "select pid from pg_stat_activity where query ~ 'advisory_lock' and pid <> pg_backend_pid()")
  const leaving = new AbortController()
  const statements = ['insert into early values (1)', 'select pg_advisory_lock(7)']
  const request = runtime.do('memory', { type: 'transaction', statements }, leaving.signal)
  await until('it waits for the lock', async () => (await others()).length === 1)
  leaving.abort()
  await expect(request).rejects.toThrow()
  await query('a', 'select pg_advisory_unlock(7)')
  await until('it is gone', async () => (await others()).length === 0)
  expect(await query('a', 'select value from early')).toEqual([{ value: 1 }])
})

test('a session that is terminated ends, and others go on', async () => {
  const backend = await backendOf('ended')
  await query('b', `select pg_terminate_backend(${backend})`)
  await expect(query('ended', 'select 1')).rejects.toThrow()
  expect(await query('b', 'select 1 as one')).toEqual([{ one: 1 }])
})

test('the server stops, and another starts', async () => {
  await runtime.query('stopping', 'a', 'create table gone ()')
  await runtime.do('stopping', { type: 'stop' })
  expect(await runtime.query('stopping', 'a', "select to_regclass('gone') as gone")).toEqual([{ gone: null }])
})

test('a session that stops within a transaction is ended after a while, with its locks', async () => {
  expect(await query('waiting', 'show idle_in_transaction_session_timeout')).toEqual([
    { idle_in_transaction_session_timeout: '1min' },
  ])
  await query('waiting', "create table held (); set idle_in_transaction_session_timeout = '100ms'")
  await query('waiting', 'begin; lock held')
  await query('other', 'begin; lock held; commit')
  await expect(query('waiting', 'select 1')).rejects.toThrow()
})

test('a setting says how long a session may stop within a transaction', async () => {
  const object = 'patient?set=idle_in_transaction_session_timeout=90s'
  expect(await runtime.query(object, 'a', 'show idle_in_transaction_session_timeout')).toEqual([
    { idle_in_transaction_session_timeout: '90s' },
  ])
})
