/** The files of a cluster are native PostgreSQL's: each opens, checks, changes, copies and recovers what the other has made. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { contentsOf, requireSound } from '../fixtures/contents.js'
import { connectionTo, program18, run } from '../fixtures/native-programs.js'
import { type EitherServer, other, SharedDirectory, type Side } from '../fixtures/shared-directory.js'

const objects = readFileSync(new URL('../fixtures/every-kind-of-object.sql', import.meta.url), 'utf8')

/** Milliseconds. Each test starts several servers. */
const PATIENCE = 240_000

vi.setConfig({ testTimeout: PATIENCE })

const directories: SharedDirectory[] = []
afterAll(() => {
  for (const directory of directories) directory.remove()
})

async function make(side: Side): Promise<SharedDirectory> {
  const directory = await SharedDirectory.make(side)
  directories.push(directory)
  return directory
}

async function fill(server: EitherServer): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-']
  const env = { ...connectionTo(server), PGOPTIONS: '-c client_min_messages=error' }
  const { code, stderr } = await run(await program18('psql'), args, env, objects)
  expect([code, stderr]).toEqual([0, ''])
}

/** Changes something in tables, in indexes of each kind, and in catalogs. */
async function change(client: pg.Client, round: number): Promise<void> {
  await client.query(`
    set local search_path = shop;
    insert into customers (name, mail) values ('round ${round}', '${round}@example.org');
    update orders set attributes = attributes || '{"round": ${round}}' where id % 3 = ${round % 3};
    delete from readings where sensor % 7 = ${round};
    insert into readings select i, ${round}, 'again ' || i from generate_series(1, 1000) i;
    insert into bookings select 100 * ${round} + i, period(date '2030-01-01' + 10 * ${round} + i, date '2030-01-02' + 10 * ${round} + i), null from generate_series(1, 9) i;
    create table round_${round} as select i, repeat(md5(i::text), 200) as text, i::float8 / 7 as f, now() as t from generate_series(1, 500) i;
    create index on round_${round} (f, t);
    alter table customers add column round_${round} int8 default ${round} << 40;
    refresh materialized view order_counts`)
  await client.query('vacuum (freeze) shop.readings')
}

/** The server that this side runs on the directory does this, and is shut down. */
async function on<T>(
  directory: SharedDirectory,
  side: Side,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const server = await directory.start(side)
  const result = await work(await server.connect())
  await server.stop()
  return result
}

const soundContents = async (client: pg.Client) => {
  await requireSound(client)
  return contentsOf(client)
}

describe.each(['native', 'ours'] as const)('a cluster that is %s at first', first => {
  test('has the same contents for both, whichever has changed it, and stays sound', async () => {
    const directory = await make(first)
    const server = await directory.start(first)
    await fill(server)
    let contents = await contentsOf(await server.connect())
    expect(Object.keys(contents)).toContain('shop.orders_2024')
    await server.stop()
    let side = first
    for (let round = 1; round <= 4; round++) {
      await directory.program('pg_checksums', ['--check'])
      side = other(side)
      const [before, after] = await on(directory, side, async client => {
        const before = await soundContents(client)
        await change(client, round)
        return [before, await soundContents(client)]
      })
      expect(before).toEqual(contents)
      expect(after).not.toEqual(before)
      contents = after!
    }
  })

  test('is recovered by the other when it was killed', async () => {
    const directory = await make(first)
    const killed = await directory.start(first)
    await fill(killed)
    const client = await killed.connect()
    await client.query('checkpoint')
    await change(client, 1)
    const contents = await contentsOf(client)
    const open = await killed.connect()
    await open.query("begin; insert into shop.customers (name) select 'nobody' from generate_series(1, 5000)")
    await killed.kill()
    expect(await on(directory, other(first), soundContents)).toEqual(withoutUnlogged(contents))
  })
})

/** After a crash an unlogged table is empty. */
const withoutUnlogged = (contents: Record<string, string>) => ({ ...contents, 'shop.cache': '0 rows, ' })

describe('native programs on a directory of ours', () => {
  test('pg_controldata and pg_waldump read it', async () => {
    const directory = await make('ours')
    const server = await directory.start('ours', { wal_keep_size: '256MB' })
    await fill(server)
    await change(await server.connect(), 1)
    await server.stop()
    const { stdout: control } = await directory.program('pg_controldata', [])
    expect(control).toMatch(/Database cluster state: +shut down\n/)
    expect(control).toMatch(/Float8 argument passing: +by value\n/)
    const [, size] = /Bytes per WAL segment: +(\d+)/.exec(control)!
    const [, end] = /Latest checkpoint location: +(\S+)/.exec(control)!
    const segments = readdirSync(join(directory.path, 'pg_wal')).filter(name => /^[0-9A-F]{24}$/.test(name))
    const start = Number.parseInt(segments.sort()[0]!.slice(16), 16) * Number(size)
    const { stdout: records } = await directory.program('pg_waldump', [
      `--path=${directory.inside}/pg_wal`,
      `--start=0/${start.toString(16)}`,
      `--end=${end}`,
    ])
    const managers = new Set(records.match(/(?<=^rmgr: )\w+/gm))
    const written = ['BRIN', 'Btree', 'Gin', 'Gist', 'Hash', 'Heap', 'SPGist', 'Transaction', 'XLOG']
    expect([...managers].sort()).toEqual(expect.arrayContaining(written))
  })

  test('pg_amcheck finds nothing in any database of a running server', async () => {
    const directory = await make('ours')
    const server = await directory.start('ours')
    await fill(server)
    await change(await server.connect(), 1)
    const { stderr } = await directory.program(
      'pg_amcheck',
      ['--all', '--install-missing', '--heapallindexed', '--parent-check', '--rootdescend', '--verbose'],
      connectionTo(server),
    )
    const checked = new Set(stderr.match(/(?<=checking (heap table|btree index) ")[^"]+(?=")/g))
    const relations = [
      'postgres.shop.orders_2024',
      'postgres.shop.customers_pkey',
      'template1.pg_catalog.pg_class',
    ]
    expect([...checked]).toEqual(expect.arrayContaining(relations))
    await server.stop()
  })

  test('pg_basebackup copies it, whole and by increments, and native PostgreSQL starts on the combination', async () => {
    const directory = await make('ours')
    const server = await directory.start('ours', { summarize_wal: 'on' })
    await fill(server)
    const [full, increment, combined] = [await empty(), await empty(), await empty()]
    const backup = (target: SharedDirectory, ...options: string[]) =>
      target.program(
        'pg_basebackup',
        ['--pgdata', target.inside, '--checkpoint=fast', ...options],
        connectionTo(server),
      )
    await backup(full)
    const client = await server.connect()
    await change(client, 1)
    await backup(increment, `--incremental=${full.inside}/backup_manifest`)
    const contents = await contentsOf(client)
    await change(client, 2)
    await server.stop()
    for (const copy of [full, increment]) await copy.program('pg_verifybackup', [copy.inside])
    await combined.program('pg_combinebackup', ['--output', combined.inside, full.inside, increment.inside])
    await combined.program('pg_verifybackup', [combined.inside])
    expect(await on(combined, 'native', soundContents)).toEqual(withoutUnlogged(contents))
  })

  test('pg_rewind brings an old primary behind the one that was promoted', async () => {
    const old = await make('ours')
    const settings = { wal_log_hints: 'on', wal_keep_size: '256MB' }
    const primary = await old.start('ours', settings)
    await fill(primary)
    const copy = await empty()
    await copy.program(
      'pg_basebackup',
      ['--pgdata', copy.inside, '--checkpoint=fast', '--write-recovery-conf'],
      connectionTo(primary),
    )
    const standby = await copy.start('ours', settings)
    const client = await standby.connect()
    await client.query('select pg_promote()')
    await change(client, 1)
    await change(await primary.connect(), 2)
    await primary.stop()
    await old.program('pg_rewind', [
      '--target-pgdata',
      old.inside,
      '--source-server',
      `host=127.0.0.1 port=${standby.port} user=postgres dbname=postgres`,
    ])
    const contents = await contentsOf(client)
    await standby.stop()
    await old.program('pg_controldata', [])
    expect(await on(old, 'ours', soundContents)).toEqual(withoutUnlogged(contents))
  })
})

async function empty(): Promise<SharedDirectory> {
  const directory = await SharedDirectory.empty()
  directories.push(directory)
  return directory
}
