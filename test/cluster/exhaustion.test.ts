/**
 * A statement that needs more than there is fails with PostgreSQL's own error; other sessions are not harmed.
 *
 * `npm run test:memory` does it with all of the 4 GiB that there can be. Otherwise the engine lets the memory grow to 512 MB,
 * which takes less time, and no fields of 1 GB.
 */
import { spawnSync } from 'node:child_process'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { connectionTo, program18, run } from '../fixtures/native-programs.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const all = process.env.TEST_ALL_MEMORY !== undefined
const MEGABYTES = all ? 4096 : 512
const PAGES_IN_MEGABYTE = 16
const LIMIT = 600_000

const server = useServer({
  args: ['-v', '-c', 'autovacuum=off', '-c', 'shared_buffers=16MB'],
  nodeArgs: all ? [] : [`--wasm-max-mem-pages=${MEGABYTES * PAGES_IN_MEGABYTE}`],
})

/** SQL for a text of so many bytes, made fast. */
function textOf(bytes: number): string {
  return `repeat(repeat('x', 1000), ${Math.floor(bytes / 1000)})`
}

/** SQL that has a session hold 1 MB after another until there is none; settings stay until their transaction has ended. */
const HOLD = `do $$ begin
  for i in 1..5000 loop perform set_config('my.setting_' || i, ${textOf(2 ** 20)}, false); end loop; end $$`

const OUT_OF_MEMORY = { code: '53200', message: 'out of memory' }

function nothingCrashed(): void {
  expect(server.log).not.toMatch(/crashed|terminated by signal|PANIC|terminating any other/)
}

test.each([
  ['sorts', 'select max(t) from rows group by t limit 1'],
  ['aggregates', 'select count(array_agg(t)) over () from rows'],
])(
  'a session that %s more than there is memory gets an error, and goes on',
  async (_, statement) => {
    const session = await server.connect()
    await session.query("set work_mem = '2047MB'; set hash_mem_multiplier = 1000")
    const rows = `with rows as (select ${textOf(2 ** 20)} || i as t from generate_series(1, ${MEGABYTES + 100}) i)`
    await expect(session.query(`${rows} ${statement}`)).rejects.toMatchObject(OUT_OF_MEMORY)
    expect((await session.query('select 1 as still')).rows).toEqual([{ still: 1 }])
    nothingCrashed()
  },
  LIMIT,
)

test(
  'when sessions hold all memory there is, each gets an error, no session ends, and all that was committed is there',
  async () => {
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => server.connect()))
    await first!.query('create table kept as select i from generate_series(1, 1000) i')
    for (const outcome of await Promise.allSettled(others.map(session => session.query(HOLD))))
      expect(outcome).toMatchObject({ status: 'rejected', reason: OUT_OF_MEMORY })
    for (const session of [first!, ...others])
      expect((await session.query('select count(*)::int from kept')).rows).toEqual([{ count: 1000 }])
    nothingCrashed()
  },
  LIMIT,
)

test(
  'while there is no memory for another backend a client is told so, and one that comes later is served',
  async () => {
    const [holder, gate] = [await server.connect(), await server.connect()]
    await gate.query('select pg_advisory_lock(1)')
    const held = holder.query(`do $$ declare a text[]; begin
      begin for i in 1..5000 loop a[i] := ${textOf(2 ** 20)}; end loop;
      exception when out_of_memory then raise log 'all memory is held'; end;
      perform pg_advisory_lock(1); end $$`)
    await until('it is', () => server.log.includes('all memory is held'))

    // What is left may be enough for one or two.
    await until('there is no room for another client', () =>
      server.connect().then(
        () => false,
        () => true,
      ),
    )

    const psql = await program18('psql')
    const comes = () => run(psql, ['-Atc', 'select 1'], { ...connectionTo(server), PGSSLMODE: 'disable' })
    expect(await comes()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('could not fork new process for connection: Out of memory'),
    })
    await gate.query('select pg_advisory_unlock(1)')
    await held
    expect(await comes()).toMatchObject({ code: 0, stdout: '1\n', stderr: '' })
    nothingCrashed()
  },
  LIMIT,
)

if (all)
  test(
    'a field may have 1 GB, and no more',
    async () => {
      const session = await server.connect()
      const most = textOf(2 ** 30 - 1000)
      expect((await session.query(`select octet_length(${most}) as bytes`)).rows).toEqual([
        { bytes: 1_073_740_000 },
      ])
      const tooLarge = [
        [`select ${textOf(2 ** 30 + 1000)}`, '54000', 'requested length too large'],
        [
          `select t || t from (select ${textOf(6e8)} as t offset 0) s`,
          'XX000',
          'invalid memory alloc request',
        ],
        [
          `select string_agg(t, '') from (select ${textOf(3e8)} as t from generate_series(1, 4)) s`,
          '54000',
          'string buffer exceeds maximum allowed length',
        ],
        [`create temp table large as select ${most} as t`, '53200', 'out of memory'],
      ] as const
      for (const [statement, code, message] of tooLarge)
        await expect(session.query(statement), statement).rejects.toMatchObject({
          code,
          message: expect.stringContaining(message),
        })
      expect((await session.query('select 1 as still')).rows).toEqual([{ still: 1 }])
      nothingCrashed()
    },
    LIMIT,
  )

test('when there are no file descriptors left, a session that needs one gets an error, and no process ends', async () => {
  const limitFiles = (count: number) => spawnSync('prlimit', [`--pid=${server.pid}`, `--nofile=${count}:`])
  const session = await server.connect()
  await session.query('create table kept_open as select 42 as answer')
  const kept = { rows: [{ answer: 42 }] }
  const comers = (count: number) => Promise.allSettled(Array.from({ length: count }, () => server.connect()))
  const served = (outcomes: PromiseSettledResult<pg.Client>[]) =>
    outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : []))

  limitFiles(150)
  const others = served(await comers(40))
  expect(others.length).toBeGreaterThan(0)
  expect(others.length).toBeLessThan(40)
  await Promise.allSettled(others.map(other => other.query('select count(*) from pg_depend')))
  expect(await session.query('table kept_open')).toMatchObject(kept)

  limitFiles(1024)
  for (const other of others) expect(await other.query('table kept_open')).toMatchObject(kept)
  // 512 MB are not enough for these and 40 more at once.
  await Promise.all(others.map(other => other.end()))
  expect(served(await comers(20)).length).toBe(20)
  nothingCrashed()
})

test('if the system lets a process open few files, its sessions share them', async () => {
  const filesPerProcess = async (limit: number) => {
    const by = ['prlimit', `--nofile=${limit}:${limit}`]
    const other = await ServerProcess.start({ by, args: ['--max-connections', '50'] })
    const session = await other.connect()
    const { rows } = await session.query('show max_files_per_process')
    await session.end()
    await other.stop()
    return Number(rows[0].max_files_per_process)
  }
  const suspended = 'Suspending' in WebAssembly
  expect(await filesPerProcess(10_000)).toBe(suspended ? 132 : 136)
  expect(await filesPerProcess(1024)).toBe(64)
})
