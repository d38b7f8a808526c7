import { expect, test } from 'vitest'
import { MAX_MEMORY } from '../../embedded/host.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const MEGABYTE = 1 << 20

/** A server that has less memory than its sessions want. */
const CROWDED = `crowded?maxMemory=${60 * MEGABYTE}`

const query = (sql: string) => runtime.query('durable', 'a', sql)

/** Of PostgreSQL, of JavaScript, and the buffers beside it, in which the file layer has what it keeps. In bytes. */
async function used(): Promise<number> {
  const { usedSize, backingStorageSize } = await runtime.heap()
  return (await runtime.do<number>('durable', { type: 'memory' })) + usedSize + backingStorageSize
}

test('a server at rest has 14 MB, and each further idle session takes 3 MB', async () => {
  const memory = () => runtime.do<number>('rested?never-suspended', { type: 'memory' })
  const ask = (session: string) => runtime.query('rested?never-suspended', session, 'select 1 as one')
  expect(await memory()).toBeLessThanOrEqual(14 * MEGABYTE)
  await ask('first')
  const one = await memory()
  const further = ['a', 'b', 'c', 'd', 'e']
  for (const session of further) await ask(session)
  expect((await memory()) - one).toBeLessThanOrEqual(3 * MEGABYTE * further.length)
  // What sessions gave back is used again.
  const most = await memory()
  for (let round = 0; round < 3; round++)
    for (const session of further) {
      await runtime.do('rested', { type: 'end', session })
      await ask(session)
    }
  expect(await memory()).toBeLessThanOrEqual(most + MEGABYTE)
})

test('the part of a result that a slow client has not read yet is not in memory', async () => {
  const megabytes = 150
  const reading = runtime.do<number>('durable', { type: 'read slowly', megabytes })
  let done = false
  const end = () => {
    done = true
  }
  reading.then(end, end)
  const most: number[] = []
  while (!done) most.push(await used())
  expect(await reading).toBe(megabytes * MEGABYTE)
  expect(most.length).toBeGreaterThan(5)
  expect(Math.max(...most)).toBeLessThanOrEqual(100 * MEGABYTE)
})

test('a workload takes no more than 100 MB, all together', async () => {
  const most: number[] = []
  for (const sql of [
    `create table load as select id, md5(id::text) hash, repeat('x', 50) filler from generate_series(1, 50000) id`,
    'create index on load (hash)',
    'select count(*) from load a join load b using (hash)',
  ]) {
    await query(sql)
    most.push(await used())
  }
  const task = { type: 'copy', table: 'copied', megabytes: 10 } as const
  expect(await runtime.do('durable', task)).toBeGreaterThan(100_000)
  most.push(await used())
  expect(Math.max(...most)).toBeLessThanOrEqual(100 * MEGABYTE)
})

test('what needs more memory than a Worker has fails with 53200, and others go on', async () => {
  await query('create table kept as select 1 as one')
  for (const session of ['greedy', 'greedy too']) {
    const ask = (sql: string) => runtime.query('durable', session, sql)
    await ask("set work_mem = '1GB'")
    await expect(
      ask(
        'select count(distinct t) from (select array_agg(md5(i::text)) t from generate_series(1, 5000000) i)',
      ),
    ).rejects.toMatchObject({ code: '53200' })
    expect(await ask('select one from kept')).toEqual([{ one: 1 }])
  }
  expect(await query('select count(*)::int from kept')).toEqual([{ count: 1 }])
  expect(await runtime.do('durable', { type: 'memory' })).toBeLessThanOrEqual(MAX_MEMORY)
})

test('sessions for which there is no memory are refused, and those that are there go on', async () => {
  const sessions = Array.from({ length: 19 }, (_, i) => `session ${i}`)
  const ask = (session: string) => runtime.query(CROWDED, session, 'select pg_backend_pid() as pid')
  const outcomes = await Promise.allSettled(sessions.map(ask))
  const refused = outcomes.filter(outcome => outcome.status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThanOrEqual(9)
  // Also where it is the postmaster that has no memory for a process, which it says in the words of protocol 2.
  for (const { reason } of refused) expect(reason).toMatchObject({ code: '53200' })
  for (const [i, outcome] of outcomes.entries())
    if (outcome.status === 'fulfilled') expect(await ask(sessions[i]!)).toEqual(outcome.value)
})

test('with more memory all of them are served', async () => {
  const roomy = `roomy?maxMemory=${2 * MAX_MEMORY}`
  const sessions = Array.from({ length: 17 }, (_, i) => `session ${i}`)
  const pids = await Promise.all(
    sessions.map(session => runtime.query(roomy, session, 'select pg_backend_pid()')),
  )
  expect(new Set(pids.map(rows => rows[0]!.pg_backend_pid)).size).toBe(17)
})

test('a server can have as little as 40 MB, or as much as 4 GB, and no less or more', async () => {
  for (const bytes of [40 * MEGABYTE, 4096 * MEGABYTE])
    expect(await runtime.query(`of-${bytes}?maxMemory=${bytes}`, 'a', 'select 1 as one')).toEqual([
      { one: 1 },
    ])
  for (const bytes of [1_000_000, 5e9, 'much'])
    await expect(runtime.do(`meagre-${bytes}?maxMemory=${bytes}`, { type: 'memory' })).rejects.toThrow(
      `maxMemory, in bytes, must be from 40 MB to 4 GB: ${Number(bytes)}`,
    )
})
