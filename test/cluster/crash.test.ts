import type pg from 'pg'
import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'
import { preload } from '../preloaded/path.js'

const server = useServer({ nodeArgs: preload('saboteur'), ban: false })

async function backendOf(session: pg.Client): Promise<number> {
  return (await session.query('select pg_backend_pid() as pid')).rows[0].pid
}

/** Resolves with a session once the server accepts one. */
async function sessionAfterRecovery(): Promise<pg.Client> {
  let session: pg.Client | undefined
  await until('the server accepts connections again', async () => {
    try {
      session = await server.connect()
      await session.query('select 1')
      return true
    } catch {
      return false
    }
  })
  return session!
}

/** Kills the backend of a session and resolves when its client has noticed. */
async function kill(session: pg.Client): Promise<void> {
  const backend = await backendOf(session)
  const noticed = new Promise(resolve => session.once('end', resolve))
  server.killBackend(backend)
  await noticed
}

test('a trap in a backend is logged and crashes its session, and the server recovers', async () => {
  const session = await sessionAfterRecovery()
  await session.query('create table kept as select 1 as one')
  const backend = await backendOf(session)
  const trapped = expect(
    session.query('do $$ begin loop perform clock_timestamp(); end loop; end $$'),
  ).rejects.toThrow()
  server.trapBackend(backend)
  await trapped
  expect((await (await sessionAfterRecovery()).query('select one from kept')).rows).toEqual([{ one: 1 }])
  expect(server.log).toMatch(/^process \d+ crashed: RuntimeError: unreachable\n/)
  expect(server.log).toMatch(/was terminated by signal 11/)
})

test('a backend that is killed takes the other sessions along, and the server recovers with all that was committed', async () => {
  const victim = await server.connect()
  const witness = await server.connect()
  await witness.query('create table ledger (i int)')
  await witness.query('insert into ledger select generate_series(1, 10000)')
  await victim.query('begin')
  await victim.query('insert into ledger values (-1)')
  const notice = new Promise(resolve => witness.once('notice', resolve))
  const error = new Promise(resolve => witness.once('error', resolve))

  await kill(victim)
  expect(await notice).toMatchObject({ severity: 'WARNING', code: '57P02' })
  await error
  const session = await sessionAfterRecovery()
  const { rows } = await session.query('select count(*)::int as n, min(i) as first from ledger')
  expect(rows).toEqual([{ n: 10000, first: 1 }])
  expect(server.log).toMatch(/was terminated by signal 9/)
  expect(server.log).toMatch(/automatic recovery in progress/)
})

test('locks and advisory locks of a killed backend are free after recovery', async () => {
  const victim = await server.connect()
  await victim.query('create table held (i int)')
  await victim.query('select pg_advisory_lock(1)')
  await victim.query('begin')
  await victim.query('lock table held')
  await kill(victim)
  const session = await sessionAfterRecovery()
  await session.query('begin')
  await session.query('lock table held nowait')
  expect((await session.query('select pg_try_advisory_lock(1) as got')).rows).toEqual([{ got: true }])
})

test('a backend killed in the middle of a query, again and again under load, never leaves the server stuck', async () => {
  const first = await sessionAfterRecovery()
  await first.query('create table counted (client int, i int)')
  const committed = new Map<number, number>()
  for (let round = 0; round < 10; round++) {
    await sessionAfterRecovery()
    const sessions = await Promise.all(Array.from({ length: 4 }, () => server.connect()))
    const backends = await Promise.all(sessions.map(backendOf))
    let started = 0
    const load = sessions.map(async (session, n) => {
      const client = round * 10 + n
      committed.set(client, 0)
      for (let i = 1; ; i++) {
        await session.query('insert into counted select $1, $2 from generate_series(1, 50)', [client, i])
        committed.set(client, i)
        started++
      }
    })
    const ends = Promise.allSettled(load)
    await until('the load runs', () => started > 20 + round * 7)
    server.killBackend(backends[round % 4]!)
    await ends
  }
  const session = await sessionAfterRecovery()
  for (const [client, i] of committed) {
    const { rows } = await session.query('select count(*)::int as n from counted where client = $1', [client])
    // The last statement may have been committed without its client being told.
    expect([i * 50, (i + 1) * 50], `client ${client}`).toContain(rows[0].n)
  }
})

test('an auxiliary process that is killed is replaced', async () => {
  const session = await sessionAfterRecovery()
  const { rows } = await session.query("select pid from pg_stat_activity where backend_type = 'walwriter'")
  const end = new Promise(resolve => session.once('end', resolve))
  server.killBackend(rows[0].pid)
  await end
  const after = await sessionAfterRecovery()
  await until('there is a new one', async () => {
    const found = await after.query("select pid from pg_stat_activity where backend_type = 'walwriter'")
    return found.rows.length === 1 && found.rows[0].pid !== rows[0].pid
  })
})

test('a client for which there is no thread is refused, and no other client is harmed', async () => {
  const session = await sessionAfterRecovery()
  server.allowThreads(false)
  let served = 0
  await until('there are no threads any more', async () => {
    try {
      await server.connect()
      served++
      return false
    } catch {
      return true
    }
  })
  expect(served).toBeLessThan(50)
  expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(server.log).toMatch(/cannot start a thread for a process: EAGAIN/)
  server.allowThreads(true)
  await until('there are threads again', async () => {
    try {
      return (await (await server.connect()).query('select 1')).rowCount === 1
    } catch {
      return false
    }
  })
})
