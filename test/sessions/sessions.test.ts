import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'

const server = useServer()

async function twoSessions() {
  return [await server.connect(), await server.connect()] as const
}

test('settings are per session', async () => {
  const [a, b] = await twoSessions()
  await a.query("set work_mem = '3MB'")
  await a.query("set time zone 'Asia/Tokyo'")
  const settings = "select current_setting('work_mem') as w, current_setting('timezone') as z"
  expect((await a.query(settings)).rows).toEqual([{ w: '3MB', z: 'Asia/Tokyo' }])
  expect((await b.query(settings)).rows).not.toContainEqual(expect.objectContaining({ w: '3MB' }))
  expect((await b.query(settings)).rows).not.toContainEqual(expect.objectContaining({ z: 'Asia/Tokyo' }))
})

test('the role is per session', async () => {
  const [a, b] = await twoSessions()
  await a.query('create role somebody')
  await a.query('set role somebody')
  expect((await a.query('select current_user as u')).rows).toEqual([{ u: 'somebody' }])
  expect((await b.query('select current_user as u')).rows).toEqual([{ u: 'postgres' }])
})

test('temporary tables of the same name are different tables', async () => {
  const [a, b] = await twoSessions()
  await a.query('create temp table mine as select 1 as i')
  await b.query("create temp table mine as select 'b' as t")
  expect((await a.query('select * from mine')).rows).toEqual([{ i: 1 }])
  expect((await b.query('select * from mine')).rows).toEqual([{ t: 'b' }])
})

test('prepared statements of the same name are different statements', async () => {
  const [a, b] = await twoSessions()
  await a.query("prepare same as select 'a' as who")
  await b.query("prepare same as select 'b' as who")
  const protocol = { name: 'named_by_protocol', text: 'select 1 as n' }
  await a.query(protocol)
  expect((await a.query('execute same')).rows).toEqual([{ who: 'a' }])
  expect((await b.query('execute same')).rows).toEqual([{ who: 'b' }])
  await b.query('deallocate same')
  expect((await a.query('execute same')).rows).toEqual([{ who: 'a' }])
  await expect(b.query('execute named_by_protocol')).rejects.toMatchObject({ code: '26000' })
})

test('cursors, sequences and random seeds are per session', async () => {
  const [a, b] = await twoSessions()
  await a.query('create sequence counter')
  await a.query("select nextval('counter')")
  await expect(b.query("select currval('counter')")).rejects.toMatchObject({ code: '55000' })
  await a.query('declare c cursor with hold for select 1')
  await expect(b.query('fetch c')).rejects.toMatchObject({ code: '34000' })
  await a.query('select setseed(0.5)')
  await b.query('select setseed(0.5)')
  await a.query('select random()')
  const first = (await b.query('select random() as r')).rows[0].r
  await a.query('select setseed(0.5)')
  expect((await a.query('select random() as r')).rows[0].r).toBe(first)
})

test('a session-level advisory lock belongs to one session', async () => {
  const [a, b] = await twoSessions()
  await a.query('select pg_advisory_lock(42)')
  expect((await a.query('select pg_try_advisory_lock(42) as got')).rows).toEqual([{ got: true }])
  expect((await b.query('select pg_try_advisory_lock(42) as got')).rows).toEqual([{ got: false }])
  await a.query('select pg_advisory_unlock_all()')
  expect((await b.query('select pg_try_advisory_lock(42) as got')).rows).toEqual([{ got: true }])
})

test('an uncommitted row is seen by its own transaction only, a committed one by all', async () => {
  const [a, b] = await twoSessions()
  await a.query('create table seen (i int)')
  await a.query('begin')
  await a.query('insert into seen values (1)')
  expect((await a.query('select i from seen')).rows).toEqual([{ i: 1 }])
  expect((await b.query('select i from seen')).rows).toEqual([])
  await a.query('commit')
  expect((await b.query('select i from seen')).rows).toEqual([{ i: 1 }])
})

test('a repeatable read transaction keeps its snapshot', async () => {
  const [a, b] = await twoSessions()
  await a.query('create table snapshot as select 1 as i')
  await b.query('begin isolation level repeatable read')
  expect((await b.query('select i from snapshot')).rows).toEqual([{ i: 1 }])
  await a.query('update snapshot set i = 2')
  expect((await b.query('select i from snapshot')).rows).toEqual([{ i: 1 }])
  await expect(b.query('update snapshot set i = 3')).rejects.toMatchObject({ code: '40001' })
  await b.query('rollback')
  expect((await b.query('select i from snapshot')).rows).toEqual([{ i: 2 }])
})

test('of two serializable transactions that write skew, one fails', async () => {
  const [a, b] = await twoSessions()
  await a.query("create table doctors as select * from (values ('a', true), ('b', true)) t (name, on_call)")
  const count = 'select count(*)::int as n from doctors where on_call'
  for (const session of [a, b]) {
    await session.query('begin isolation level serializable')
    expect((await session.query(count)).rows).toEqual([{ n: 2 }])
  }
  await a.query("update doctors set on_call = false where name = 'a'")
  await a.query('commit')
  const second = async () => {
    await b.query("update doctors set on_call = false where name = 'b'")
    await b.query('commit')
  }
  await expect(second()).rejects.toMatchObject({ code: '40001' })
})

test('sessions run on backends of their own, at the same time', async () => {
  const [a, b] = await twoSessions()
  const pid = 'select pg_backend_pid() as pid'
  expect((await a.query(pid)).rows).not.toEqual((await b.query(pid)).rows)
  // A waits in the middle of a statement for what B does in the middle of one.
  await a.query('select pg_advisory_lock(1)')
  const waiting = b.query("select pg_advisory_lock(1), 'b got it' as b")
  expect((await a.query("select 'a goes on' as a")).rows).toEqual([{ a: 'a goes on' }])
  await a.query('select pg_advisory_unlock(1)')
  expect((await waiting).rows).toMatchObject([{ b: 'b got it' }])
})

test('a session has nothing of those before it on its thread, whatever they loaded and however they ended', async () => {
  const loaded =
    "select coalesce(string_agg(file_name, ',' order by 1), '') as names from pg_get_loaded_modules()"
  const [first] = await twoSessions()
  await first.query(`create extension hstore; create extension citext; create extension pg_trgm;
    create function twice(i int) returns int language plpgsql as 'begin return i * 2; end'`)
  const uses: [string, unknown][] = [
    ['select twice(21) as v', 42],
    [`select ('a=>1,b=>2'::hstore -> 'b') as v`, '2'],
    [`select show_trgm('ab') as v`, ['  a', ' ab', 'ab ']],
    [`select 'ABC'::citext = 'abc' as v`, true],
  ]
  for (let round = 0; round < 12; round++) {
    const session = await server.connect()
    expect((await session.query(loaded)).rows).toEqual([{ names: '' }])
    for (let i = 0; i < uses.length; i++) {
      const [statement, value] = uses[(round * 3 + i * (1 + (round % 2) * 2)) % uses.length]!
      expect((await session.query(statement)).rows, statement).toEqual([{ v: value }])
    }
    await session.query(
      `set work_mem = '${round + 1}MB'; create temp table here as select ${round} as round; prepare p as select 1`,
    )
    if (round % 3 === 0) await session.end()
    else {
      const { pid } = (await session.query('select pg_backend_pid() as pid')).rows[0]
      session.on('error', () => {})
      await first.query('select pg_terminate_backend($1, 5000)', [pid])
    }
  }
})
