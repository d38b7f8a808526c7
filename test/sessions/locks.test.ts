import type pg from 'pg'
import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()

async function backendOf(session: pg.Client): Promise<number> {
  return (await session.query('select pg_backend_pid() as pid')).rows[0].pid
}

/** Resolves when one backend waits for a lock that the other holds. */
async function untilBlocked(blocked: number, blocker: number): Promise<void> {
  const watcher = await server.connect()
  await until(`backend ${blocked} waits for backend ${blocker}`, async () => {
    const { rows } = await watcher.query('select $1 = any (pg_blocking_pids($2)) as waits', [
      blocker,
      blocked,
    ])
    return rows[0].waits
  })
}

/** A session in a transaction that holds the lock of row `id`, and its backend. */
async function holderOf(table: string, id: number) {
  const session = await server.connect()
  await session.query('begin')
  await session.query(`update ${table} set value = value + 1 where id = ${id}`)
  return { session, backend: await backendOf(session) }
}

async function makeTable(name: string): Promise<void> {
  const session = await server.connect()
  await session.query(`create table ${name} as select id, 0 as value from generate_series(1, 3) id`)
}

test('a row lock held by A makes B wait until A commits, and B sees what A did', async () => {
  await makeTable('committed')
  const a = await holderOf('committed', 1)
  const b = await server.connect()
  const backend = await backendOf(b)
  const update = b.query('update committed set value = value * 10 where id = 1 returning value')
  await untilBlocked(backend, a.backend)
  await a.session.query('commit')
  expect((await update).rows).toEqual([{ value: 10 }])
})

test('a row lock held by A makes B wait until A rolls back, and B sees nothing of it', async () => {
  await makeTable('rolled_back')
  const a = await holderOf('rolled_back', 1)
  const b = await server.connect()
  const backend = await backendOf(b)
  const update = b.query('update rolled_back set value = value + 10 where id = 1 returning value')
  await untilBlocked(backend, a.backend)
  await a.session.query('rollback')
  expect((await update).rows).toEqual([{ value: 10 }])
})

test('a table lock makes others wait, and nowait fails at once', async () => {
  await makeTable('locked')
  const a = await server.connect()
  await a.query('begin')
  await a.query('lock table locked in access exclusive mode')
  const b = await server.connect()
  await expect(b.query('begin; lock table locked in access share mode nowait')).rejects.toMatchObject({
    code: '55P03',
  })
  await b.query('rollback')
  const backend = await backendOf(b)
  const select = b.query('select count(*)::int as n from locked')
  await untilBlocked(backend, await backendOf(a))
  await a.query('commit')
  expect((await select).rows).toEqual([{ n: 3 }])
})

test('skip locked takes the next row', async () => {
  await makeTable('queue')
  const a = await server.connect()
  const b = await server.connect()
  const next = 'select id from queue order by id limit 1 for update skip locked'
  await a.query('begin')
  await b.query('begin')
  expect((await a.query(next)).rows).toEqual([{ id: 1 }])
  expect((await b.query(next)).rows).toEqual([{ id: 2 }])
})

test('lock_timeout ends the wait with 55P03', async () => {
  await makeTable('impatient')
  await holderOf('impatient', 1)
  const b = await server.connect()
  await b.query("set lock_timeout = '50ms'")
  await expect(b.query('update impatient set value = 1 where id = 1')).rejects.toMatchObject({
    code: '55P03',
  })
})

test('a deadlock is detected: one transaction fails with 40P01, the other goes on', async () => {
  await makeTable('crossed')
  const a = await holderOf('crossed', 1)
  const b = await holderOf('crossed', 2)
  const outcomes = await Promise.all(
    [
      a.session.query('update crossed set value = 7 where id = 2'),
      b.session.query('update crossed set value = 8 where id = 1'),
    ].map(update =>
      update.then(
        () => 'done',
        (error: pg.DatabaseError) => error.code,
      ),
    ),
  )
  expect(outcomes.sort()).toEqual(['40P01', 'done'])
  await Promise.all([a, b].map(({ session }) => session.query('commit')))
  const { rows } = await a.session.query('select count(*)::int as n from crossed where value in (7, 8)')
  expect(rows).toEqual([{ n: 1 }])
})

test('a deadlock of three sessions is detected', async () => {
  await makeTable('ring')
  const sessions = [await holderOf('ring', 1), await holderOf('ring', 2), await holderOf('ring', 3)]
  const ends = sessions.map(async ({ session }, i) => {
    const outcome = await session.query(`update ring set value = 9 where id = ${((i + 1) % 3) + 1}`).then(
      () => 'done',
      (error: pg.DatabaseError) => error.code,
    )
    await session.query('commit')
    return outcome
  })
  expect((await Promise.all(ends)).sort()).toEqual(['40P01', 'done', 'done'])
})

test('many sessions that count one row up lose no update', async () => {
  await makeTable('counter')
  const sessions = await Promise.all(Array.from({ length: 8 }, () => server.connect()))
  await Promise.all(
    sessions.map(async session => {
      for (let i = 0; i < 50; i++) await session.query('update counter set value = value + 1 where id = 1')
    }),
  )
  expect((await sessions[0]!.query('select value from counter where id = 1')).rows).toEqual([{ value: 400 }])
})
