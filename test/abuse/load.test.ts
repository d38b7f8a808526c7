/** Many clients, at once and one after the other, and for long: all are served, and nothing grows. */
import { connect } from 'node:net'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { amount, Witness } from '../fixtures/witness.js'

const server = useServer({ args: ['--max-connections', '120'] })

/** MB that the engine's own heaps may grow by while nothing is kept. */
const NOISE = 100

/** Clients that come at once. */
const BURST = 20

async function cycles(count: number, atOnce: number, one: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const loop = async () => {
    for (let i = next++; i < count; i = next++) await one(i)
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
}

/** Calls `some` for a few cycles to warm up, then for all, and expects the server to use no more memory than before. */
async function withoutGrowth(
  witness: Witness,
  warmUp: number,
  count: number,
  some: (count: number) => Promise<void>,
) {
  await some(Math.max(warmUp, count / 10))
  await witness.isAlone()
  const before = witness.memory()
  await some(count)
  await witness.check()
  expect(witness.memory() - before).toBeLessThan(NOISE)
}

describe('without growth:', () => {
  const CYCLES = amount(100, 10_000)

  test(`${CYCLES} times connect, query, disconnect`, async () => {
    const witness = await Witness.of(server)
    await withoutGrowth(witness, 100, CYCLES, count =>
      cycles(count, 4, async i => {
        const client = new pg.Client({
          host: '127.0.0.1',
          port: server.port,
          user: 'postgres',
          database: 'postgres',
        })
        await client.connect()
        expect((await client.query('select $1::int as i', [i])).rows).toEqual([{ i }])
        await client.end()
      }),
    )
  })

  test(`${CYCLES} connections that are closed, or reset, as soon as they are there`, async () => {
    const witness = await Witness.of(server)
    const one = (i: number) =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(server.port, '127.0.0.1')
        socket.once('error', reject)
        socket.once('close', () => resolve())
        socket.once('connect', () => (i % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()))
      })
    // Each gets a backend all the same: up to as many at a time as have come since all were gone, but it takes some
    // bursts until as many have been there at a time as ever will.
    await withoutGrowth(witness, 25 * BURST, CYCLES, async count => {
      for (let i = 0; i < count; i += BURST) {
        await cycles(BURST, BURST, one)
        await witness.isAlone()
      }
    })
  })
})

test('100 clients at once write and read in turns, and lose nothing', async () => {
  const witness = await Witness.of(server)
  const clients = await Promise.all(Array.from({ length: 100 }, () => server.connect()))
  await clients[0]!.query(
    'create table counts (id int primary key, n int); insert into counts select i, 0 from generate_series(0, 9) i',
  )
  const ROUNDS = amount(5, 100)
  await Promise.all(
    clients.map(async (client, i) => {
      for (let round = 0; round < ROUNDS; round++) {
        await client.query('begin')
        await client.query('update counts set n = n + 1 where id = $1', [(i + round) % 10])
        await client.query('commit')
      }
    }),
  )
  expect((await clients[0]!.query('select sum(n)::int as n from counts')).rows).toEqual([{ n: 100 * ROUNDS }])
  await Promise.all(clients.map(client => client.end()))
  await witness.check()
})

test('a pool of node-postgres in front of it', async () => {
  const witness = await Witness.of(server)
  const pool = new pg.Pool({
    host: '127.0.0.1',
    port: server.port,
    user: 'postgres',
    database: 'postgres',
    max: 20,
    idleTimeoutMillis: 50,
  })
  const TASKS = amount(500, 20_000)
  const rows = await Promise.all(
    Array.from({ length: TASKS }, (_, i) =>
      pool.query('select $1::int as i', [i]).then(result => result.rows[0].i),
    ),
  )
  expect(rows).toEqual(Array.from({ length: TASKS }, (_, i) => i))
  await pool.end()
  await witness.check()
})

const SOAK = amount(10, 20 * 60)

test(`${SOAK} seconds of everything at once leave the memory where it was`, async () => {
  const witness = await Witness.of(server)
  const setup = await server.connect()
  await setup.query('create table soak (id serial primary key, t text); create index on soak (t)')
  await setup.end()
  const half = performance.now() + SOAK * 500
  const end = performance.now() + SOAK * 1000
  const session = async (work: (client: pg.Client, i: number) => Promise<unknown>) => {
    for (let i = 0; performance.now() < end; ) {
      const client = await server.connect()
      for (let left = 20; left > 0 && performance.now() < end; left--) await work(client, i++)
      await client.end()
    }
  }
  let atHalf = 0
  const watch = async () => {
    while (performance.now() < end) {
      await witness.isServed()
      if (atHalf === 0 && performance.now() > half) atHalf = witness.memory()
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
  await Promise.all([
    watch(),
    session(client =>
      client.query('insert into soak (t) select md5(i::text) from generate_series(1, 100) i'),
    ),
    session(client => client.query('delete from soak where id < (select max(id) from soak) - 20000')),
    session(client => client.query('select t, count(*) from soak group by t order by 2 desc limit 10')),
    session(client => client.query("select repeat('x', 100000) from generate_series(1, 20)")),
    session(client => client.query('select 1/0').catch(() => {})),
    session(async client => {
      await client.query('create temp table t as select generate_series(1, 1000) as i')
      await client.query('drop table t')
    }),
    session(async client => {
      const sleep = client.query('select pg_sleep(60)').catch(() => {})
      const other = await server.connect()
      await other.query('select pg_cancel_backend($1)', [
        (client as never as { processID: number }).processID,
      ])
      await other.end()
      await sleep
    }),
  ])
  await witness.check()
  expect(witness.memory() - atHalf).toBeLessThan(NOISE)
})
