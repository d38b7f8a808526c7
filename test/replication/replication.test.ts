/** Replication as PostgreSQL has it: between two of these servers, and to and from a native one. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type pg from 'pg'
import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectionTo, program18 } from '../fixtures/native-programs.js'
import { type NativeServer, startNativeServer } from '../fixtures/native-server.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const LOGICAL = ['-c', 'wal_level=logical', '-c', 'fsync=off']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'replication-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Endpoint {
  readonly port: number
  connect(): Promise<pg.Client>
}

const here = useServer({ args: LOGICAL })
const there = useServer({ args: LOGICAL })
let native: NativeServer | undefined
beforeAll(async () => {
  native = await startNativeServer({ wal_level: 'logical' })
})
afterAll(() => native?.stop())

const TABLE = `drop table if exists t;
  create table t (id int primary key, body text, big text, at timestamptz, tags text[], doc jsonb)`

async function contentOf(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query(
    'select id, body, md5(big) as big, at::text, tags::text, doc::text from t order by id',
  )
  return rows
}

describe.each([
  ['between two of these servers', () => here, () => there],
  ['to a native server', () => here, () => native!],
  ['from a native server', () => native!, () => there],
] as [string, () => Endpoint, () => Endpoint][])('logical replication %s', (_, from, to) => {
  test('copies what there is, and then follows every change', async () => {
    const [publisher, subscriber] = await Promise.all([from().connect(), to().connect()])
    for (const client of [publisher, subscriber]) {
      await client.query(TABLE)
      await client.query("set timezone = 'UTC'")
    }
    await publisher.query(
      `insert into t select i, 'row ' || i, repeat(md5(i::text), 1000), '2026-01-01Z', array['a', i::text],
        jsonb_build_object('i', i) from generate_series(1, 500) i`,
    )
    await publisher.query('create publication p for table t')
    await subscriber.query(
      `create subscription s connection 'host=127.0.0.1 port=${from().port} user=postgres dbname=postgres' publication p`,
    )
    const caughtUp = (what: string) =>
      until(`${what} has arrived`, async () => {
        const [published, arrived] = await Promise.all([contentOf(publisher), contentOf(subscriber)])
        return JSON.stringify(published) === JSON.stringify(arrived)
      })
    await caughtUp('the copy')

    await publisher.query('begin')
    await publisher.query("update t set body = 'changed' where id % 2 = 0")
    await publisher.query('update t set id = id + 1000 where id < 10')
    await publisher.query('delete from t where id > 490 and id < 1000')
    await publisher.query("insert into t values (0, null, '', now(), '{}', 'null')")
    expect((await subscriber.query('select count(*)::int from t')).rows).toEqual([{ count: 500 }])
    await publisher.query('commit')
    await caughtUp('the transaction')

    await publisher.query('begin; delete from t; rollback; truncate t')
    await caughtUp('the truncation')
    await subscriber.query('drop subscription s')
    await publisher.query('drop publication p; drop table t')
  })
})

describe('a standby made by pg_basebackup', () => {
  test('is read from, follows its primary, and can be promoted', async () => {
    const primary = await here.connect()
    await primary.query('create table kept as select 1 as i')
    const dataDir = join(folder, 'standby')
    await baseBackup(here.port, dataDir)
    const standby = await ServerProcess.start({ args: ['-D', dataDir, '-c', 'fsync=off'] })
    const reader = await standby.connect()
    expect((await reader.query('select i, pg_is_in_recovery() from kept')).rows).toEqual([
      { i: 1, pg_is_in_recovery: true },
    ])
    await expect(reader.query('insert into kept values (0)')).rejects.toMatchObject({ code: '25006' })

    const sum = async () => (await reader.query('select sum(i)::int from kept')).rows[0].sum
    await primary.query('insert into kept values (2)')
    await until('the row has arrived', async () => (await sum()) === 3)
    const { rows } = await primary.query('select state, sync_state from pg_stat_replication')
    expect(rows).toEqual([{ state: 'streaming', sync_state: 'async' }])

    // As pg_ctl promote does.
    writeFileSync(join(dataDir, 'promote'), '')
    process.kill(standby.pid, 'SIGUSR1')
    await until('it is promoted', async () => {
      return (await reader.query('select pg_is_in_recovery() as is')).rows[0].is === false
    })
    await reader.query('insert into kept values (4)')
    expect(await sum()).toBe(7)
    expect((await primary.query('select sum(i)::int from kept')).rows).toEqual([{ sum: 3 }])
    await reader.end()
    expect(await standby.stop()).toBe(0)
  })
})

/** By PostgreSQL's program, which leaves in it what makes it a standby of the server. */
async function baseBackup(port: number, dataDir: string): Promise<void> {
  const program = await program18('pg_basebackup')
  const child = program(
    [
      '--format=tar',
      '--pgdata=-',
      '--wal-method=fetch',
      '--checkpoint=fast',
      '--write-recovery-conf',
      '--no-manifest',
    ],
    connectionTo({ port }),
  )
  let errors = ''
  child.stderr!.on('data', text => {
    errors += text
  })
  const closed = once(child, 'close')
  mkdirSync(dataDir, { mode: 0o700 })
  for await (const entry of child.stdout!.pipe(tar.extract())) {
    const path = join(dataDir, entry.header.name)
    if (entry.header.type === 'directory') mkdirSync(path, { recursive: true, mode: 0o700 })
    else {
      mkdirSync(dirname(path), { recursive: true })
      const parts: Buffer[] = []
      for await (const part of entry) parts.push(part as Buffer)
      writeFileSync(path, Buffer.concat(parts), { mode: 0o600 })
    }
    entry.resume()
  }
  expect([(await closed)[0], errors]).toEqual([0, ''])
}
