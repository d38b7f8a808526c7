import { describe, expect, test } from 'vitest'
import { controlFileWith, FLOAT8_BY_VALUE } from '../fixtures/control-file.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const start = (object: string) => runtime.query(object, 'a', 'select 1 as one')
const inStorage = (object: string, sql: string) => runtime.do(object, { type: 'storage', sql })
const digest = (object: string) => runtime.do(object, { type: 'storage digest' })

/** The inode of a file of the cluster, in SQL. */
const inode = (directory: string, name: string) =>
  `(select inode from postgres_name where name = '${name}' and directory = ${directory})`
const PG_CONTROL = inode(inode('1', 'global'), 'pg_control')
const pageOf = (file: string) => `${file} * 16777216`

describe('a storage that cannot be used is refused, says why, and stays as it is', () => {
  test.each([
    [
      'foreign',
      'a table of that name that is the application’s',
      'create table postgres_page (id integer)',
      /table "postgres_page" that was not made by this server/,
    ],
    [
      'foreign2',
      'another postgres_server',
      'create table postgres_server (url text)',
      /table "postgres_server" that was not made by this server/,
    ],
  ])('%s: %s', async (object, _, sql, message) => {
    await inStorage(`durable-${object}`, sql)
    const before = await digest(`durable-${object}`)
    await expect(start(`durable-${object}`)).rejects.toThrow(message)
    expect(await digest(`durable-${object}`)).toEqual(before)
  })

  test.each([
    [
      'major',
      "another major's cluster",
      `update postgres_page set bytes = x'31370a' where id = ${pageOf(inode('1', 'PG_VERSION'))}`,
      /cluster of PostgreSQL 17, this is 18/,
    ],
    [
      'later',
      'a later format',
      'update postgres_server set format = 3',
      /format 3 of a later version, this one knows 2/,
    ],
    [
      'table',
      'a missing table',
      'drop table postgres_name',
      /damaged: table "postgres_name" is missing or has been changed/,
    ],
    [
      'root',
      'no root directory',
      'delete from postgres_file where inode = 1',
      /damaged: there is no root directory/,
    ],
    [
      'name',
      'a name of nothing',
      `delete from postgres_file where inode = ${PG_CONTROL}`,
      /damaged: "pg_control" is the name of no file/,
    ],
    [
      'control',
      'a damaged pg_control',
      `update postgres_page set bytes = x'0102' where id = ${pageOf(PG_CONTROL)}`,
      /damaged: the cluster's file "global\/pg_control" has no valid contents/,
    ],
    [
      'narrow',
      'a cluster of an earlier version of this server',
      `update postgres_page set bytes = x'${controlFileWith(FLOAT8_BY_VALUE, 0).toString('hex')}' where id = ${pageOf(PG_CONTROL)}`,
      /storage cannot be read: it was made by PGlite, by an earlier version of this server.*: convert a copy by .* or dump it with/,
    ],
    [
      'version',
      'no PG_VERSION',
      "delete from postgres_name where name = 'PG_VERSION' and directory = 1",
      /damaged: the cluster has no file "PG_VERSION"/,
    ],
  ])('%s: %s', async (name, _, sql, message) => {
    const object = `durable-whole-${name}`
    await start(object)
    await runtime.do(object, { type: 'stop' })
    await inStorage(object, sql)
    const before = await digest(object)
    await expect(start(object)).rejects.toThrow(message)
    expect(await digest(object)).toEqual(before)
  })

  test('two servers are given one storage', async () => {
    await start('durable-two')
    await expect(runtime.do('durable-two', { type: 'second' })).rejects.toThrow(
      "the object's storage is in use by another server in this object",
    )
    expect(await start('durable-two')).toEqual([{ one: 1 }])
  })
})

test("the object's own tables are left alone, and the server can be stopped and started", async () => {
  await inStorage('durable-own', "create table notes as select 'mine' as text")
  await runtime.query('durable-own', 'a', 'create table kept as select 1 as one')
  await runtime.do('durable-own', { type: 'stop' })
  expect(await runtime.query('durable-own', 'a', 'select * from kept')).toEqual([{ one: 1 }])
  expect(await inStorage('durable-own', 'select * from notes')).toEqual([{ text: 'mine' }])
})

test('when the storage is full statements fail with 53100, and go on when there is room again', async () => {
  const object = 'durable-full?maxSize=30000000'
  const query = (sql: string) => runtime.query(object, 'a', sql)
  await query('create table kept as select 1 as one')
  await query('create table filling (filler text)')
  const fill = "insert into filling select repeat('x', 1000) from generate_series(1, 1000)"
  const filled = async () => {
    for (let i = 0; i < 100; i++) await query(fill)
  }
  await expect(filled()).rejects.toMatchObject({
    code: '53100',
    message: /^could not extend file .* No space left/,
  })
  expect(await query('update kept set one = 2 returning one')).toEqual([{ one: 2 }])
  await query('checkpoint')
  await runtime.kill()
  await runtime.start()
  expect(await query('select one from kept')).toEqual([{ one: 2 }])
  await query('drop table filling')
  await query('checkpoint')
  await query('create table more as select one, 3 as two from kept')
  expect(await query('select * from more')).toEqual([{ one: 2, two: 3 }])
})

test('a full storage has room for statements that free room: DELETE, VACUUM, TRUNCATE', async () => {
  const object = 'durable-making-room?maxSize=50000000'
  const query = <T>(sql: string) => runtime.query<T>(object, 'a', sql)
  await query('create table filling (part int, filler text)')
  await query('create table indexed as select id, md5(id::text) as filler from generate_series(1, 1000) id')
  await query('alter table indexed add primary key (id); create index on indexed using hash (filler)')
  const fill = "insert into filling select part, repeat('x', 1000) || part from generate_series(1, 1000) part"
  const filled = async () => {
    for (let i = 0; i < 100; i++) await query(fill)
  }
  const full = { code: '53100', message: /^could not extend file/ }
  const size = async () => {
    const [row] = await query<{ size: number }>("select pg_relation_size('filling')::int as size")
    return row!.size
  }
  await expect(filled()).rejects.toMatchObject(full)
  const before = await size()
  await query('delete from filling where part <= 500')
  await query('vacuum filling')
  expect(await query("select pg_relation_size('filling', 'vm') > 0 as mapped")).toEqual([{ mapped: true }])
  await query(fill)
  expect(await size()).toBeLessThanOrEqual(before)
  await expect(filled()).rejects.toMatchObject(full)
  await query('truncate indexed')
  await query('truncate filling')
  await query('checkpoint')
  await query(fill)
  expect(await query('select count(*)::int from filling')).toEqual([{ count: 1000 }])
})
