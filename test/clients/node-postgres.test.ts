import pg from 'pg'
import { expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()

test('values of common types go there and back', async () => {
  const client = await server.connect()
  const sent = {
    bool: true,
    int4: -2147483648,
    float8: 1.5e300,
    text: 'ä€😀\n\\',
    date: new Date('2024-02-29T12:34:56.789Z'),
    json: { a: [1, null, 'x'], b: { c: true } },
    bytes: Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    ints: [1, 2, 3],
    texts: ['a', 'b,c', '"d"', null],
    nothing: null,
  }
  const { rows } = await client.query(
    `select $1::bool as bool, $2::int4 as int4, $3::float8 as float8, $4::text as text, $5::timestamptz as date,
      $6::jsonb as json, $7::bytea as bytes, $8::int[] as ints, $9::text[] as texts, $10::text as nothing`,
    Object.values(sent),
  )
  expect(rows).toEqual([sent])
})

test('results keep the exactness of int8 and numeric', async () => {
  const client = await server.connect()
  const { rows } = await client.query(
    "select 9223372036854775807 as large, '123456789012345678901234567890.123456789'::numeric as exact",
  )
  expect(rows).toEqual([{ large: '9223372036854775807', exact: '123456789012345678901234567890.123456789' }])
})

test('a named prepared statement is parsed once and run again', async () => {
  const client = await server.connect()
  for (const value of [1, 2, 3]) {
    const { rows } = await client.query({
      name: 'double',
      text: 'select $1::int * 2 as double',
      values: [value],
    })
    expect(rows).toEqual([{ double: value * 2 }])
  }
  const { rows } = await client.query(
    "select generic_plans + custom_plans as runs from pg_prepared_statements where name = 'double'",
  )
  expect(rows).toEqual([{ runs: '3' }])
})

test('one simple query of several statements gives a result for each', async () => {
  const client = await server.connect()
  const results = (await client.query(
    'select 1 as a; create temp table t (i int); select 2 as b',
  )) as never as pg.QueryResult[]
  expect(results.map(({ command, rows }) => [command, rows])).toEqual([
    ['SELECT', [{ a: 1 }]],
    ['CREATE', []],
    ['SELECT', [{ b: 2 }]],
  ])
})

test('an error has the SQLSTATE and the fields of PostgreSQL, and the session goes on', async () => {
  const client = await server.connect()
  await client.query('create temp table parent (id int primary key)')
  await client.query('insert into parent values (1)')
  await expect(client.query('insert into parent values ($1)', [1])).rejects.toMatchObject({
    severity: 'ERROR',
    code: '23505',
    message: 'duplicate key value violates unique constraint "parent_pkey"',
    detail: 'Key (id)=(1) already exists.',
    table: 'parent',
    constraint: 'parent_pkey',
  })
  await expect(client.query('selekt 1')).rejects.toMatchObject({ code: '42601', position: '1' })
  await expect(client.query('select $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' })
  expect((await client.query('select count(*)::int as n from parent')).rows).toEqual([{ n: 1 }])
})

test('after an error in a transaction only its end is accepted', async () => {
  const client = await server.connect()
  await client.query('create temp table kept (i int)')
  await client.query('begin')
  await client.query('insert into kept values (1)')
  await client.query('savepoint s')
  await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
  await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
  await client.query('rollback to s')
  await client.query('insert into kept values (2)')
  await client.query('commit')
  expect((await client.query('select i from kept order by i')).rows).toEqual([{ i: 1 }, { i: 2 }])
})

test('a pool runs many statements at once on its connections', async () => {
  const pool = new pg.Pool({ connectionString: server.url, max: 5 })
  try {
    const rows = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const result = await pool.query('select $1::int as i, pg_backend_pid() as pid', [i])
        return result.rows[0] as { i: number; pid: number }
      }),
    )
    expect(rows.map(row => row.i)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(new Set(rows.map(row => row.pid)).size).toBe(5)
  } finally {
    await pool.end()
  }
})

test('a statement of many parameters and one of a few megabytes arrive whole', async () => {
  const client = await server.connect()
  const values = Array.from({ length: 30_000 }, (_, i) => i)
  const { rows } = await client.query(
    `select sum(v)::int as sum from (values ${values.map(i => `($${i + 1}::int)`).join(',')}) t (v)`,
    values,
  )
  expect(rows).toEqual([{ sum: 449_985_000 }])
  const large = 'x'.repeat(20_000_000)
  expect(
    (await client.query('select length($1) as n, md5($1) = md5($2) as same', [large, large])).rows,
  ).toEqual([{ n: 20_000_000, same: true }])
})

test('a notification reaches a client that waits idly', async () => {
  const listener = await server.connect()
  const notifier = await server.connect()
  await listener.query('listen "The News"')
  const heard = new Promise<pg.Notification>(resolve => listener.once('notification', resolve))
  await notifier.query("select pg_notify('The News', $1)", ['payload ä'])
  expect(await heard).toMatchObject({ channel: 'The News', payload: 'payload ä' })
})

test('notices arrive as notices', async () => {
  const client = await server.connect()
  const notice = new Promise(resolve => client.once('notice', resolve))
  await client.query("do $$ begin raise notice 'look: %', 42; end $$")
  expect(await notice).toMatchObject({ severity: 'NOTICE', message: 'look: 42' })
})

test('options of the connection string are settings of the session', async () => {
  const client = await server.connect({
    options: '-c work_mem=7MB -c search_path=here',
    application_name: 'told',
  })
  const { rows } = await client.query(
    "select current_setting('work_mem') as w, current_setting('search_path') as s, current_setting('application_name') as a",
  )
  expect(rows).toEqual([{ w: '7MB', s: 'here', a: 'told' }])
})

test('a session that another one terminates gets 57P01', async () => {
  const victim = await server.connect()
  const other = await server.connect()
  const { rows } = await victim.query('select pg_backend_pid() as pid')
  const error = new Promise(resolve => victim.once('error', resolve))
  await other.query('select pg_terminate_backend($1)', [rows[0].pid])
  expect(await error).toMatchObject({ severity: 'FATAL', code: '57P01' })
  await until('its backend is gone', async () => {
    const found = await other.query('select from pg_stat_activity where pid = $1', [rows[0].pid])
    return found.rows.length === 0
  })
})
