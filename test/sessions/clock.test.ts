/** pglite_imports.now: a session sees the time that it has set, and nothing else does. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'

const dataDir = mkdtempSync(join(tmpdir(), 'clock-'))
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))
const server = useServer({ args: ['-D', dataDir] })

async function textOf(client: pg.Client, expression: string): Promise<string> {
  const { rows } = await client.query({ text: `select (${expression})::text`, rowMode: 'array' })
  return rows[0]![0]
}

/** Seconds that a session's now() is ahead of this machine's clock. */
async function secondsAhead(client: pg.Client, now = 'now()'): Promise<number> {
  return Number(await textOf(client, `extract(epoch from ${now})`)) - Date.now() / 1000
}

const DAY = 24 * 3600

async function sessionAt(now: string): Promise<pg.Client> {
  const client = await server.connect()
  await client.query("set timezone = 'UTC'")
  await client.query(`set pglite_imports.now = '${now}'`)
  return client
}

describe('at a timestamp the time stands still', () => {
  test.for([
    ...[
      'now()',
      'current_timestamp',
      'transaction_timestamp()',
      'statement_timestamp()',
      'clock_timestamp()',
    ],
    "'now'::timestamptz",
  ])('%s returns it', async expression => {
    const client = await sessionAt('2030-02-28 23:30:00.25+00')
    expect(await textOf(client, expression)).toBe('2030-02-28 23:30:00.25+00')
    expect(await textOf(client, `select ${expression} from pg_sleep(0.01)`)).toBe('2030-02-28 23:30:00.25+00')
  })

  test.each([
    ['localtimestamp', '2030-02-28 23:30:00.25'],
    ['current_date', '2030-02-28'],
    ['current_time', '23:30:00.25+00'],
    ['localtime', '23:30:00.25'],
    ['timeofday()', 'Thu Feb 28 23:30:00.250000 2030 UTC'],
    ["'tomorrow'::date", '2030-03-01'],
    ["age(timestamp '2029-02-28')", '1 year'],
    ['current_timestamp(0)', '2030-02-28 23:30:00+00'],
  ])('%s is %s', async (expression, value) => {
    expect(await textOf(await sessionAt('2030-02-28 23:30:00.25+00'), expression)).toBe(value)
  })

  test('before 1970 and before 2000 as well', async () => {
    const client = await sessionAt('1969-07-20 20:17:40.5+00')
    expect(await textOf(client, 'clock_timestamp()')).toBe('1969-07-20 20:17:40.5+00')
    expect(await textOf(client, 'timeofday()')).toBe('Sun Jul 20 20:17:40.500000 1969 UTC')
  })

  test("defaults of columns and moddatetime's trigger have it", async () => {
    const client = await sessionAt('2030-01-01 00:00+00')
    await client.query(`create extension moddatetime;
      create temp table note (text text, made timestamptz default now(), changed timestamp);
      create trigger change before update on note for each row execute function moddatetime(changed);
      insert into note values ('a');
      set pglite_imports.now = '2030-01-02 00:00+00';
      update note set text = 'b'`)
    expect(await textOf(client, "select made || ', ' || changed from note")).toBe(
      '2030-01-01 00:00:00+00, 2030-01-02 00:00:00',
    )
  })
})

describe('by an interval with a sign the time is ahead or behind, and goes on', () => {
  test.each([
    ['+30 days', 30 * DAY],
    ['-1 day', -DAY],
    ['+ 1:30', 5400],
    [' +0', 0],
  ])('%s', async (interval, seconds) => {
    const client = await sessionAt(interval)
    for (const now of ['now()', 'clock_timestamp()'])
      expect(Math.abs((await secondsAhead(client, now)) - seconds)).toBeLessThan(5)
    const first = await textOf(client, 'clock_timestamp()')
    expect((await textOf(client, 'clock_timestamp()')) > first).toBe(true)
  })

  test('of months from the present moment', async () => {
    const client = await sessionAt('+1 month')
    const real = await server.connect()
    const expected = Number(await textOf(real, "extract(epoch from now() + interval '1 month')"))
    expect(Math.abs(Number(await textOf(client, 'extract(epoch from now())')) - expected)).toBeLessThan(5)
  })
})

describe('the setting', () => {
  test('is shown in UTC, or in hours', async () => {
    const client = await sessionAt('Jan 2, 2030 03:00 Europe/Berlin')
    expect(await textOf(client, "current_setting('pglite_imports.now')")).toBe('2030-01-02 02:00:00+00')
    await client.query("set pglite_imports.now = '-30 days -0.5 s'")
    expect(await textOf(client, "current_setting('pglite_imports.now')")).toBe('-720:00:00.500000')
  })

  test('is local to a transaction with SET LOCAL, and undone by a rollback', async () => {
    const client = await sessionAt('2030-01-01 00:00+00')
    await client.query("begin; set local pglite_imports.now = '2031-01-01 00:00+00'")
    expect(await textOf(client, 'current_date')).toBe('2031-01-01')
    await client.query("savepoint a; set pglite_imports.now = '2032-01-01 00:00+00'")
    expect(await textOf(client, 'current_date')).toBe('2032-01-01')
    await client.query('rollback to a')
    expect(await textOf(client, 'current_date')).toBe('2031-01-01')
    await client.query('commit')
    expect(await textOf(client, 'current_date')).toBe('2030-01-01')
  })

  test.for(['reset pglite_imports.now', "set pglite_imports.now = ''", 'discard all'])(
    'ends by: %s',
    async sql => {
      const client = await sessionAt('2030-01-01 00:00+00')
      await client.query(sql)
      expect(Math.abs(await secondsAhead(client))).toBeLessThan(5)
    },
  )

  test('belongs to the session that has set it', async () => {
    await sessionAt('2030-01-01 00:00+00')
    expect(Math.abs(await secondsAhead(await server.connect()))).toBeLessThan(5)
  })

  test('can be that of a database, of a connection, and of a function', async () => {
    const client = await server.connect()
    await client.query('create database later')
    await client.query("alter database later set pglite_imports.now = '2030-01-01 12:00+00'")
    const later = await server.connect({ database: 'later' })
    expect(await textOf(later, 'current_date')).toBe('2030-01-01')
    const options = '-c pglite_imports.now=2031-01-01T12:00Z'
    expect(await textOf(await server.connect({ options }), 'current_date')).toBe('2031-01-01')
    await client.query(
      "create function day() returns date language sql set pglite_imports.now = '2032-01-01 12:00+00' return current_date",
    )
    expect(await textOf(client, 'day()')).toBe('2032-01-01')
    expect(Math.abs(await secondsAhead(client))).toBeLessThan(5)
  })

  test('holds in parallel workers', async () => {
    const client = await sessionAt('+30 days')
    await client.query('set debug_parallel_query = on')
    await client.query(
      'create function worker_time() returns timestamptz language sql parallel safe return clock_timestamp()',
    )
    const { rows } = await client.query('explain (analyze, costs off) select worker_time()')
    expect(JSON.stringify(rows)).toContain('Workers Launched: 1')
    expect(Math.abs((await secondsAhead(client, 'worker_time()')) - 30 * DAY)).toBeLessThan(5)
  })

  test.each([
    ['next tuesday-ish', 'invalid input syntax for type timestamp with time zone: "next tuesday-ish".'],
    ['+a lot', 'invalid input syntax for type interval: "+a lot".'],
    ['infinity', 'The timestamp must be finite.'],
    ['-infinity', 'The interval must be shorter than 1000 years.'],
    ['+infinity', 'The interval must be shorter than 1000 years.'],
    ['-2000 years', 'The interval must be shorter than 1000 years.'],
    ['+2147483647 days', 'The interval must be shorter than 1000 years.'],
    ['-2147483648 days', 'The interval must be shorter than 1000 years.'],
    ['+20000000 hours', 'The interval must be shorter than 1000 years.'],
  ])('refuses %s', async (now, detail) => {
    const client = await server.connect()
    await expect(client.query(`set pglite_imports.now = '${now}'`)).rejects.toMatchObject({
      code: '22023',
      message: `invalid value for parameter "pglite_imports.now": "${now}"`,
      detail,
    })
  })

  test('counts in postgresql.conf from the next reload, and a wrong one there does no harm', async () => {
    const client = await server.connect()
    const reload = async (line: string) => {
      appendFileSync(join(dataDir, 'postgresql.conf'), `\n${line}\n`)
      await client.query('select pg_reload_conf()')
    }
    await reload("pglite_imports.now = '2030-01-01 12:00+00'")
    await expect.poll(() => textOf(client, 'current_date')).toBe('2030-01-01')
    await reload("pglite_imports.now = '+9999 years'")
    await expect.poll(() => server.log).toContain('invalid value for parameter "pglite_imports.now"')
    expect(await textOf(await server.connect(), 'current_date')).toBe('2030-01-01')
    await reload("pglite_imports.now = ''")
    await expect.poll(async () => Math.abs(await secondsAhead(client))).toBeLessThan(5)
  })
})

describe('the time of the system counts', () => {
  test('for timeouts and pauses', async () => {
    const client = await sessionAt('2030-01-01 00:00+00')
    const began = performance.now()
    await client.query('select pg_sleep(0.1)')
    expect(performance.now() - began).toBeGreaterThan(95)
    await client.query('set statement_timeout = 100')
    await expect(client.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
  })

  test('for statistics and the activity of sessions', async () => {
    const client = await sessionAt('2030-01-01 00:00+00')
    await client.query('create table counted (i int); analyze counted')
    const since = await textOf(
      client,
      `select max(y) from (select extract(year from greatest(query_start, xact_start, state_change, backend_start)) as y
         from pg_stat_activity where pid = pg_backend_pid()
       union all select extract(year from last_analyze) from pg_stat_user_tables where relname = 'counted') y`,
    )
    expect(Number(since)).toBeLessThan(2030)
  })

  test('for the expiry of passwords', async () => {
    const client = await sessionAt('2090-01-01 00:00+00')
    await client.query("create role guest login valid until '2080-01-01'")
    await client.query("alter role guest set pglite_imports.now = '2090-01-01 00:00+00'")
    expect(await textOf(await server.connect({ user: 'guest' }), 'extract(year from now())')).toBe('2090')
  })
})
