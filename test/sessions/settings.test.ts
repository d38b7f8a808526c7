/** Settings of larger servers, as dumps of them and advice on tuning have them. */
import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'

const server = useServer()

test.each([
  ['work_mem', '4GB'],
  ['maintenance_work_mem', '8GB'],
  ['logical_decoding_work_mem', '2GB'],
  ['gin_pending_list_limit', '4GB'],
  ['wal_skip_threshold', '4GB'],
  ['temp_buffers', '8GB'],
  ['vacuum_buffer_usage_limit', '16GB'],
  ['hash_mem_multiplier', '1000'],
])('%s of %s is taken and shown as it was set', async (name, value) => {
  const client = await server.connect()
  await client.query(`set ${name} = '${value}'`)
  expect((await client.query(`show ${name}`)).rows).toEqual([{ [name]: value }])
})

test('a role with work_mem of 4 GB sorts, joins and builds indexes', async () => {
  const client = await server.connect()
  await client.query(`create role etl superuser login;
    alter role etl set work_mem = '4GB'; alter role etl set maintenance_work_mem = '2GB'`)
  const session = await server.connect({ user: 'etl' })
  const { rows } = await session.query(
    `select current_setting('work_mem') as setting, count(*)::int as rows, count(distinct a.n)::int as numbers
       from (select n from generate_series(1, 20000) n order by md5(n::text)) a join generate_series(1, 20000) b(n) on a.n = b.n`,
  )
  expect(rows).toEqual([{ setting: '4GB', rows: 20000, numbers: 20000 }])
  await session.query(
    `create table numbers as select n, md5(n::text) as text from generate_series(1, 20000) n`,
  )
  await session.query('create index on numbers (text)')
  await session.query('vacuum numbers')
})

test('the server accepts settings of larger servers for itself, too', async () => {
  const client = await server.connect()
  for (const [name, value] of [
    ['autovacuum_work_mem', '2GB'],
    ['max_wal_size', '4TB'],
    ['wal_keep_size', '16GB'],
    ['effective_cache_size', '48GB'],
  ]) {
    await client.query(`alter system set ${name} = '${value}'`)
    await client.query('select pg_reload_conf()')
    await expect
      .poll(async () => (await (await server.connect()).query(`show ${name}`)).rows)
      .toEqual([{ [name!]: value }])
  }
  await client.query('alter system reset all')
})

test('shared_buffers that are too large are refused, and the error names the largest size', async () => {
  const client = await server.connect()
  await expect(client.query(`alter system set shared_buffers = '4GB'`)).rejects.toMatchObject({
    code: '22023',
    message: expect.stringContaining('.. 262144 8kB)'),
  })
})
