import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()

test('one can connect to a new database, which has tables of its own', async () => {
  const session = await server.connect()
  await session.query('create database another')
  await session.query("create table same_name as select 'postgres' as where_it_is")
  const another = await server.connect({ database: 'another' })
  await another.query("create table same_name as select 'another' as where_it_is")
  expect((await session.query('select * from same_name')).rows).toEqual([{ where_it_is: 'postgres' }])
  expect((await another.query('select * from same_name, current_database()')).rows).toEqual([
    { where_it_is: 'another', current_database: 'another' },
  ])
})

test('an unknown database gives 3D000, an unknown role 28000', async () => {
  await expect(server.connect({ database: 'nowhere' })).rejects.toMatchObject({
    severity: 'FATAL',
    code: '3D000',
    message: 'database "nowhere" does not exist',
  })
  await expect(server.connect({ user: 'nobody' })).rejects.toMatchObject({
    severity: 'FATAL',
    code: '28000',
    message: 'role "nobody" does not exist',
  })
})

test.each([
  ['wal_log', 'copy'],
  ['file_copy', 'copy'],
  ['file_copy', 'clone'],
])('a database is copied from a template with its data by %s, method %s', async (strategy, method) => {
  const session = await server.connect()
  const name = `${strategy}_${method}`
  await session.query(`create database original_${name}`)
  const original = await server.connect({ database: `original_${name}` })
  await original.query('create table filled as select i, md5(i::text) from generate_series(1, 10000) i')
  const sum = "select md5(string_agg(t::text, ',' order by i)) as sum from filled t"
  const expected = (await original.query(sum)).rows
  await original.end()
  await session.query(`set file_copy_method = ${method}`)
  await session.query(`create database copy_${name} template original_${name} strategy ${strategy}`)
  const copy = await server.connect({ database: `copy_${name}` })
  expect((await copy.query(sum)).rows).toEqual(expected)
  await copy.query('update filled set i = -i')
  const again = await server.connect({ database: `original_${name}` })
  expect((await again.query(sum)).rows).toEqual(expected)
})

test('CREATE DATABASE clones files by default', async () => {
  const session = await server.connect()
  expect((await session.query('show file_copy_method')).rows).toEqual([{ file_copy_method: 'clone' }])
})

test('dropping a database by force ends its sessions', async () => {
  const session = await server.connect()
  await session.query('create database doomed')
  const user = await server.connect({ database: 'doomed' })
  const ended = new Promise(resolve => user.once('error', resolve))
  await session.query('drop database doomed with (force)')
  expect(await ended).toMatchObject({ code: '57P01' })
  await expect(server.connect({ database: 'doomed' })).rejects.toMatchObject({ code: '3D000' })
})

test('no file of a dropped database is left', async () => {
  const session = await server.connect()
  await session.query('create database dropped')
  const select = "select oid from pg_database where datname = 'dropped'"
  const [{ oid }] = (await session.query(select)).rows as [{ oid: number }]
  await session.query('drop database dropped')
  const names = async () => {
    const { rows } = await session.query("select pg_ls_dir('base') as name")
    return (rows as { name: string }[]).map(({ name }) => name)
  }
  expect(await names()).not.toContain(`${oid}`)
  await until('the rest is removed', async () => !(await names()).some(name => name.includes(`${oid}`)))
})

test('a role without the right to connect is refused with 42501', async () => {
  const session = await server.connect()
  await session.query('create role guest login')
  await session.query('create database closed')
  await session.query('revoke connect on database closed from public')
  await expect(server.connect({ user: 'guest', database: 'closed' })).rejects.toMatchObject({ code: '42501' })
})

test('encodings are converted for the client', async () => {
  const session = await server.connect()
  await session.query("create database latin encoding 'LATIN1' locale 'C' template template0")
  const latin = await server.connect({ database: 'latin' })
  expect((await latin.query("select octet_length('äöü') as n, 'äöü' as t")).rows).toEqual([
    { n: 3, t: 'äöü' },
  ])
  await expect(latin.query("select '€'")).rejects.toMatchObject({ code: '22P05' })
  for (const [name, bytes] of [
    ['EUC_JP', 'c6fccbdcb8ec'],
    ['SJIS', '93fa967b8cea'],
    ['GB18030', 'c8d5b1bed55a'],
  ]) {
    const { rows } = await session.query("select encode(convert_to('日本語', $1), 'hex') as bytes", [name])
    expect(rows, name!).toEqual([{ bytes }])
  }
})

test('autovacuum cleans up without being asked', async () => {
  const session = await server.connect()
  await session.query("alter system set autovacuum_naptime = '1s'")
  await session.query('select pg_reload_conf()')
  await session.query(
    'create table churned with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0) as select i from generate_series(1, 1000) i',
  )
  await session.query('delete from churned where i % 2 = 0')
  await until('autovacuum has been there', async () => {
    const { rows } = await session.query(
      "select from pg_stat_user_tables where relname = 'churned' and autovacuum_count > 0 and autoanalyze_count > 0",
    )
    return rows.length === 1
  })
})

test('a query is shared among parallel workers', async () => {
  const session = await server.connect()
  await session.query('create table wide as select i, i % 10 as k from generate_series(1, 200000) i')
  await session.query('analyze wide')
  await session.query(
    'set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set max_parallel_workers_per_gather = 2',
  )
  const query = 'select k, count(*)::int as n, sum(i)::text as s from wide group by k order by k'
  const plan = (await session.query(`explain (analyze, costs off, timing off, summary off) ${query}`)).rows
  expect(plan.map(row => row['QUERY PLAN']).join('\n')).toMatch(/Workers Launched: 2/)
  const { rows } = await session.query(query)
  expect(rows).toEqual(
    Array.from({ length: 10 }, (_, k) => ({
      k,
      n: 20000,
      s: String(1999900000 + 20000 * (k === 0 ? 10 : k)),
    })),
  )
})

test('an index is built by parallel workers, and finds what the table holds', async () => {
  const session = await server.connect()
  await session.query(
    'create table indexed as select (i * 7919::bigint) % 300007 as v from generate_series(1, 300000) i',
  )
  await session.query('set min_parallel_table_scan_size = 0; set max_parallel_maintenance_workers = 2')
  await session.query('create index on indexed (v)')
  await session.query('set enable_seqscan = off')
  const { rows } = await session.query('select count(*)::int as n from indexed where v between 1000 and 1999')
  await session.query(
    'reset enable_seqscan; set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off',
  )
  expect(
    (await session.query('select count(*)::int as n from indexed where v between 1000 and 1999')).rows,
  ).toEqual(rows)
})
