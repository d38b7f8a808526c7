/** Clones of databases that are kept ready: taken by the program that has the server, and by any client. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type DatabasePool, type PostgresServer, startServer } from 'pglite-imports-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../fixtures/until.js'

let server: PostgresServer
let pool: DatabasePool
beforeAll(async () => {
  server = await startServer({ port: 0 })
  await inDatabase('postgres', 'create database shop')
  await inDatabase('shop', 'create table article (name text unique); insert into article values ($$lamp$$)')
  pool = await server.databases({ template: 'shop', size: 4 })
})
afterAll(() => server.stop())

async function connect(database: string, to = server): Promise<pg.Client> {
  const client = new pg.Client({ stream: () => to.connect(), user: 'postgres', database })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** The first column of what a statement gives. */
async function inDatabase(database: string, sql: string, to = server): Promise<unknown[]> {
  const client = await connect(database, to)
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return (rows ?? []).map(row => row[0])
  } finally {
    await client.end()
  }
}

const databases = () => inDatabase('postgres', 'select datname from pg_database')

const readyOf = async (template: string) =>
  inDatabase(
    'postgres',
    `select name from pglite_imports.database where template = '${template}' and state = 'ready'`,
  )

describe('a database that is taken', () => {
  test('has what the template has, and no other client changes it', async () => {
    const [one, two] = [await pool.take(), await pool.take()]
    expect(one.name).not.toBe(two.name)
    await inDatabase(one.name, "insert into article values ('chair')")
    expect(await inDatabase(one.name, 'select name from article order by 1')).toEqual(['chair', 'lamp'])
    expect(await inDatabase(two.name, 'select name from article')).toEqual(['lamp'])
    await Promise.all([one.giveBack(), two.giveBack()])
  })

  test('is given back at the end of the block of an await using, and its pool is closed', async () => {
    await inDatabase('postgres', 'create database stall')
    let name: string
    {
      await using stall = await server.databases({ template: 'stall', size: 1 })
      await using taken = await stall.take()
      name = taken.name
      expect(await databases()).toContain(name)
    }
    await until(
      'the clones are gone',
      async () => !(await databases()).some(other => other !== 'stall' && String(other).startsWith('stall')),
    )
    expect(await databases()).not.toContain(name)
  })

  test('is reached by its url', async () => {
    const taken = await pool.take()
    const client = new pg.Client(taken.url)
    await client.connect()
    expect((await client.query('select current_database() as name')).rows).toEqual([{ name: taken.name }])
    await client.end()
    await taken.giveBack()
  })

  test('is dropped when it is given back, with the sessions that are in it', async () => {
    const taken = await pool.take()
    const left = await connect(taken.name)
    const ended = new Promise(resolve => left.once('end', resolve))
    await taken.giveBack()
    await ended
    await until('it is gone', async () => !(await databases()).includes(taken.name))
  })

  test('cannot be given back twice', async () => {
    const taken = await pool.take()
    await taken.giveBack()
    await expect(taken.giveBack()).rejects.toThrow('has not been taken from a pool')
  })

  test('has the file by which a session knows the catalogs, and no session makes it anew', async () => {
    const taken = await pool.take()
    const [oid] = await inDatabase('postgres', `select oid from pg_database where datname = '${taken.name}'`)
    const file = join(server.dataDir, 'base', String(oid), 'pg_internal.init')
    const { ino } = statSync(file)
    expect(await inDatabase(taken.name, 'select name from article')).toEqual(['lamp'])
    expect(statSync(file).ino).toBe(ino)
    await taken.giveBack()
  })
})

test('so many are kept ready as were asked for', async () => {
  const taken = [await pool.take(), await pool.take(), await pool.take()]
  await until('there are four again', async () => (await readyOf('shop')).length === 4)
  await Promise.all(taken.map(({ giveBack }) => giveBack()))
})

test('eight clients take many at the same time, and no two get the same one', async () => {
  const names: string[] = []
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const client = new pg.Client(server.url)
      await client.connect()
      for (let i = 0; i < 5; i++) {
        const { rows } = await client.query("select pglite_imports.take_database('shop') as name")
        names.push(rows[0].name)
        expect(await inDatabase(rows[0].name, 'select name from article')).toEqual(['lamp'])
        await client.query('select pglite_imports.give_database($1)', [rows[0].name])
      }
      await client.end()
    }),
  )
  expect(new Set(names).size).toBe(40)
})

describe('clients that wait', () => {
  const TAKE = "select pglite_imports.take_database('shop') as name"

  /** Starts to take one in so many sessions, each once the one before is in the queue; none gets one while `holder` has the table. */
  async function queue(holder: pg.Client, count: number) {
    await holder.query('begin; lock table pglite_imports.database in access exclusive mode')
    const queued: { client: pg.Client; taken: Promise<string> }[] = []
    for (let i = 0; i < count; i++) {
      const client = await connect('postgres')
      const taken = client.query(TAKE).then(({ rows }) => rows[0].name as string)
      taken.catch(() => {})
      queued.push({ client, taken })
      const locks = "select from pg_locks where locktype = 'advisory'"
      await until('it is in the queue', async () => (await holder.query(locks)).rowCount === i + 1)
    }
    return queued
  }

  test('get one in the order in which they have come', async () => {
    const holder = await connect('postgres')
    const queued = await queue(holder, 4)
    const order: number[] = []
    const all = queued.map(({ taken }, i) => taken.then(() => order.push(i)))
    await holder.query('rollback')
    await Promise.all(all)
    expect(order).toEqual([0, 1, 2, 3])
    for (const { client, taken } of queued) {
      await client.query('select pglite_imports.give_database($1)', [await taken])
      await client.end()
    }
    await holder.end()
  })

  test('let the next one through when they are cancelled', async () => {
    const holder = await connect('postgres')
    const [first, second] = await queue(holder, 2)
    const pid = (first!.client as unknown as { processID: number }).processID
    await holder.query('select pg_cancel_backend($1)', [pid])
    await expect(first!.taken).rejects.toMatchObject({ code: '57014' })
    await holder.query('rollback')
    expect(await second!.taken).toMatch(/^shop_\d+$/)
    await second!.client.query('select pglite_imports.give_database($1)', [await second!.taken])
    for (const client of [first!.client, second!.client, holder]) await client.end()
  })
})

test('one that was taken in a transaction which is rolled back is ready again', async () => {
  const client = await connect('postgres')
  await client.query('begin')
  const { rows } = await client.query("select pglite_imports.take_database('shop') as name")
  const another = await pool.take()
  expect(another.name).not.toBe(rows[0].name)
  await another.giveBack()
  await client.query('rollback')
  expect(await readyOf('shop')).toContain(rows[0].name)
  await client.end()
})

test('a repeatable read transaction, which would not see new ones, cannot take one', async () => {
  const client = await connect('postgres')
  await client.query('begin isolation level repeatable read')
  await expect(client.query("select pglite_imports.take_database('shop')")).rejects.toThrow('read committed')
  await client.end()
})

test('a pool that is opened again clones the template as it is then', async () => {
  await inDatabase('postgres', 'create database changing')
  const before = await server.databases({ template: 'changing', size: 2 })
  await (await before.take()).giveBack()
  await inDatabase('changing', 'create table added ()')
  const after = await server.databases({ template: 'changing', size: 2 })
  for (let i = 0; i < 4; i++) {
    const { name, giveBack } = await after.take()
    expect(await inDatabase(name, "select to_regclass('added') is not null")).toEqual([true])
    await giveBack()
  }
  await after.close()
  await until('all are gone', async () => !(await databases()).some(name => /^changing_/.test(String(name))))
})

describe('a client that takes one', () => {
  test('is told why a database cannot be cloned', async () => {
    const nowhere = await server.databases({ template: 'nowhere' })
    await expect(nowhere.take()).rejects.toThrow(
      'database "nowhere" cannot be cloned: database "nowhere" does not exist',
    )
    await nowhere.close()
  })

  test('is told that there is no pool', async () => {
    await expect(
      inDatabase('postgres', "select pglite_imports.take_database('template1')"),
    ).rejects.toMatchObject({ message: 'there is no pool of clones of "template1"', code: '42704' })
  })

  test('gets one once the template that was in use is free', async () => {
    await inDatabase('postgres', 'create database busy')
    const user = await connect('busy')
    const busy = await server.databases({ template: 'busy', size: 1 })
    await expect(busy.take()).rejects.toThrow('is being accessed by other users')
    await user.end()
    await until('it can be cloned', async () => (await readyOf('busy')).length === 1)
    await (await busy.take()).giveBack()
    await busy.close()
  })
})

test('a server with pools stops while no client is connected, also in mode smart', async () => {
  const other = await startServer({ port: 0 })
  await other.databases({ template: 'template1', size: 2 })
  await other.stop('smart')
  expect(await other.exited).toBe(0)
})

test('the next server drops the databases that clients had taken from a stopped one', async () => {
  const dataDir = join(mkdtempSync(join(tmpdir(), 'pool-')), 'cluster')
  const first = await startServer({ port: 0, dataDir })
  const { name } = await (await first.databases({ template: 'template1', size: 2 })).take()
  await first.stop()
  const second = await startServer({ port: 0, dataDir })
  expect(await inDatabase('postgres', 'select datname from pg_database', second)).toContain(name)
  await second.servePools()
  await until('it is gone', async () => {
    const left = await inDatabase('postgres', 'select datname from pg_database', second)
    return !left.some(database => /^template1_/.test(String(database)))
  })
  await second.stop()
  rmSync(join(dataDir, '..'), { recursive: true })
})
