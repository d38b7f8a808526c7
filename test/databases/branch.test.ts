/** Snapshots and branches of a cluster whose server runs, ephemeral and in a data directory. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type PostgresServer, startServer } from 'pglite-imports-server'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { Command } from '../fixtures/command.js'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'branch-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function connect(server: PostgresServer, database = 'postgres'): Promise<pg.Client> {
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres', database })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** The first column of what a statement gives. */
async function on(server: PostgresServer, sql: string): Promise<unknown[]> {
  const client = await connect(server)
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return (rows ?? []).map(row => row[0])
  } finally {
    await client.end()
  }
}

const articles = (server: PostgresServer) => on(server, 'select name from article order by 1')

const add = (server: PostgresServer, name: string) => on(server, `insert into article values ('${name}')`)

/** Bytes of files in a directory that no other directory has as well. */
function ownBytes(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map(name => statSync(join(directory, name), { throwIfNoEntry: false }))
    .filter(stats => stats?.isFile() && stats.nlink === 1)
    .reduce((sum, stats) => sum + stats!.blocks * 512, 0)
}

/** Compares all indexes with their tables. */
const CHECK = `select bt_index_check(indexrelid, true) from pg_index join pg_class c on c.oid = indexrelid
  where c.relam = 403 and c.relpersistence = 'p'`

const KINDS = [
  ['ephemeral', () => undefined],
  ['in a data directory', (name: string) => join(folder, name)],
] as const

describe.each(KINDS)('a cluster that is %s', (_kind, dirFor) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startServer({ port: 0, dataDir: dirFor('cluster') })
  })
  beforeEach(async () => {
    await on(server, 'drop table if exists article')
    await on(server, 'create table article (name text unique)')
    await add(server, 'lamp')
  })
  afterAll(() => server.stop())

  test('has a branch, and neither sees what the other changes', async () => {
    await using branch = await server.branch()
    expect(branch.port).not.toBe(server.port)
    await Promise.all([add(branch, 'chair'), add(server, 'table')])
    await Promise.all([on(branch, 'checkpoint'), on(server, 'checkpoint')])
    await add(branch, 'desk')
    expect(await articles(branch)).toEqual(['chair', 'desk', 'lamp'])
    expect(await articles(server)).toEqual(['lamp', 'table'])
    await on(branch, 'drop table article')
    expect(await articles(server)).toEqual(['lamp', 'table'])
  })

  test('has a branch with what was committed without waiting for the disk', async () => {
    await on(server, "set synchronous_commit = off; insert into article values ('chair')")
    await using branch = await server.branch()
    expect(await articles(branch)).toEqual(['chair', 'lamp'])
  })

  test('has branches of its branches', async () => {
    await using branch = await server.branch()
    await add(branch, 'chair')
    await using twig = await branch.branch()
    await add(twig, 'desk')
    expect(await articles(twig)).toEqual(['chair', 'desk', 'lamp'])
    expect(await articles(branch)).toEqual(['chair', 'lamp'])
  })

  test('goes back to a snapshot, at the same address, and clients that connect meanwhile wait', async () => {
    await using snapshot = await server.snapshot()
    await add(server, 'chair')
    await on(server, 'create table later (); drop table article')
    const restoring = server.restore(snapshot)
    const early = new pg.Client(server.url)
    await early.connect()
    expect((await early.query('select name from article')).rows).toEqual([{ name: 'lamp' }])
    await early.end()
    await restoring
    expect(await on(server, "select to_regclass('later') is null")).toEqual([true])
    await add(server, 'desk')
    await server.restore(snapshot)
    expect(await articles(server)).toEqual(['lamp'])
  })

  test('has branches of a snapshot, which stay when it is removed', async () => {
    const snapshot = await server.snapshot()
    await add(server, 'chair')
    await using branch = await server.branch({ snapshot })
    expect(await articles(branch)).toEqual(['lamp'])
    await snapshot.remove()
    await add(branch, 'desk')
    expect(await articles(branch)).toEqual(['desk', 'lamp'])
    await expect(server.branch({ snapshot })).rejects.toThrow('has been removed')
    await expect(server.restore(snapshot)).rejects.toThrow('has been removed')
    expect(await articles(server)).toEqual(['chair', 'lamp'])
  })

  test('has branches that are whole while clients write', { timeout: 120_000 }, async () => {
    await on(server, 'create table account (id int primary key, balance int)')
    await on(server, 'insert into account select i, 100 from generate_series(1, 200) i')
    let going = true
    const writers = Array.from({ length: 3 }, async (_, writer) => {
      const client = await connect(server)
      for (let i = 0; going; i++) {
        const [from, to] = [1 + ((i * 7 + writer) % 100), 101 + ((i * 13) % 100)]
        await client.query(`with taken as (update account set balance = balance - 1 where id = ${from} returning 1)
          update account set balance = balance + (select count(*) from taken) where id = ${to}`)
        if (i % 20 === 0 && i < 200)
          await client.query(`create table t${writer}_${i} as select * from account`)
        if (i % 50 === 0) await client.query('checkpoint')
      }
      await client.end()
    })
    for (let i = 0; i < 3; i++) {
      await using branch = await server.branch()
      expect(await on(branch, 'select sum(balance)::int from account')).toEqual([20_000])
      await on(branch, 'create extension if not exists amcheck')
      await on(branch, CHECK)
      await on(branch, 'update account set balance = 0; checkpoint')
    }
    going = false
    await Promise.all(writers)
    expect(await on(server, 'select sum(balance)::int from account')).toEqual([20_000])
    await on(server, 'create extension amcheck')
    await on(server, CHECK)
  })
})

describe('an ephemeral cluster', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startServer({ port: 0 })
    await on(server, 'create table big as select i, md5(i::text) from generate_series(1, 200000) i')
    await on(server, 'create table small (i int)')
    // Otherwise the first to read it would write to it as well: it sets hint bits.
    await on(server, 'vacuum freeze big')
  })
  afterAll(() => server.stop())

  test.skipIf(process.platform === 'win32')('has branches that take up only what they change', async () => {
    await using branch = await server.branch()
    expect(await on(branch, 'select count(*)::int from big')).toEqual([200_000])
    // WAL, pg_xact and the like, and the file by which sessions know the catalogs, which recovery removes.
    const before = ownBytes(branch.dataDir)
    expect(before).toBeLessThan(6 << 20)
    await on(branch, 'insert into small values (1); checkpoint')
    expect(ownBytes(branch.dataDir)).toBeLessThan(before + (3 << 20))
    await on(branch, 'delete from big where i = 1; checkpoint')
    expect(ownBytes(branch.dataDir)).toBeGreaterThan(before + (10 << 20))
    expect(await on(server, 'select count(*)::int from big')).toEqual([200_000])
  })

  test.skipIf(process.platform === 'win32')(
    'has clones of databases that take up only what they change',
    async () => {
      await on(server, 'create database original')
      const client = await connect(server, 'original')
      await client.query(
        'create table big as select i, md5(i::text) from generate_series(1, 100000) i; checkpoint',
      )
      await client.end()
      await on(server, 'create database clone template original strategy file_copy')
      const [oid] = await on(server, "select oid from pg_database where datname = 'clone'")
      const directory = join(server.dataDir, 'base', String(oid))
      expect(ownBytes(directory)).toBeLessThan(1 << 20)
      const [a, b] = [await connect(server, 'original'), await connect(server, 'clone')]
      const sum = (at: pg.Client) =>
        at.query('select sum(i) as sum from big').then(({ rows }) => Number(rows[0].sum))
      await a.query('update big set i = 0; checkpoint')
      expect([await sum(a), await sum(b)]).toEqual([0, 5_000_050_000])
      await b.query('update big set i = 1; checkpoint')
      expect([await sum(a), await sum(b)]).toEqual([0, 100_000])
      await Promise.all([a.end(), b.end()])
      await on(server, 'drop database original')
      expect(await on(server, "select count(*)::int from pg_database where datname = 'clone'")).toEqual([1])
    },
  )

  test('is the same for its branches, whose archive and subscriptions are off', async () => {
    await using branch = await server.branch({ settings: { work_mem: '7MB' } })
    expect(await on(branch, 'show work_mem')).toEqual(['7MB'])
    expect(await on(branch, 'show max_logical_replication_workers')).toEqual(['0'])
    expect(await on(branch, 'show fsync')).toEqual(['off'])
  })

  test('has a branch in a data directory, which is a cluster of its own', async () => {
    const dataDir = join(folder, 'of-its-own')
    const branch = await server.branch({ dataDir })
    await on(branch, "create table article as select 'chair' as name")
    await branch.stop()
    const again = await startServer({ port: 0, dataDir })
    expect(await articles(again)).toEqual(['chair'])
    expect(await on(again, 'show fsync')).toEqual(['on'])
    await again.stop()
    await expect(server.branch({ dataDir })).rejects.toThrow('not empty')
  })

  test('refuses options that a branch has not', async () => {
    await expect(server.branch({ copyOf: 'x' } as object)).rejects.toThrow('there is no option "copyOf"')
    await expect(server.branch({ snapshot: 'x' } as object)).rejects.toThrow(
      'option "snapshot" must be what snapshot() resolves to',
    )
  })

  test('that has stopped has neither snapshots nor branches', async () => {
    const other = await startServer({ port: 0 })
    const snapshot = await other.snapshot()
    await other.stop()
    await expect(other.branch()).rejects.toThrow('the server has stopped')
    await expect(other.restore(snapshot)).rejects.toThrow('the server has stopped')
    await snapshot.remove()
  })
})

test('a standby has no branches', async () => {
  const primary = await startServer({ port: 0, dataDir: join(folder, 'primary') })
  const standby = new Command('-q', '-p', '0', '--standby-of', primary.url, '-D', join(folder, 'standby'))
  await standby.url()
  const branch = new Command('branch', '-D', join(folder, 'standby'), join(folder, 'nothing'))
  expect(await branch.closed).toBe(1)
  expect(branch.stderr).toBe(
    'pglite-imports-server: a standby has no branches: make one of its primary, or promote the standby\n',
  )
  standby.process.kill('SIGINT')
  await standby.closed
  await primary.stop()
})

/** Restores a cluster in a process that is killed when it renames a file for the nth time. */
const KILLED = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import pg from 'pg'
import { startServer } from 'pglite-imports-server'
const [dataDir, at] = process.argv.slice(1)
const server = await startServer({ port: 0, dataDir })
const query = async sql => {
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres', database: 'postgres' })
  await client.connect()
  await client.query(sql)
  await client.end()
}
await query('create table article (name text)')
const snapshot = await server.snapshot()
await query("insert into article values ('chair')")
const rename = fs.renameSync
let count = 0
fs.renameSync = (from, to) => {
  if (String(from).includes('.restoring') && ++count === Number(at)) process.kill(process.pid, 'SIGKILL')
  rename(from, to)
}
syncBuiltinESMExports()
await server.restore(snapshot)
await server.stop()
`

test('a cluster that is restored is one or the other, whenever the process is killed', {
  timeout: 240_000,
}, async () => {
  for (const [at, expected] of [
    [1, ['chair']],
    [2, []],

    [9, []],
  ] as const) {
    const dataDir = join(folder, `killed${at}`)
    const child = spawn(process.execPath, ['--input-type=module', '-e', KILLED, dataDir, String(at)], {
      cwd: repository,
      stdio: 'inherit',
    })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    const server = await startServer({ port: 0, dataDir })
    expect(await articles(server)).toEqual(expected)
    await server.stop()
    expect(readdirSync(dataDir).filter(name => name.startsWith('.'))).toEqual([])
  }
})

describe('the command branch', () => {
  test('copies the cluster of a running server, which goes on', async () => {
    const dataDir = join(folder, 'running')
    const server = new Command('-q', '-p', '0', '-D', dataDir)
    const client = await server.connect()
    await client.query("create table article as select 'lamp' as name")
    const itself = new Command('branch', '-D', dataDir, dataDir)
    expect([await itself.closed, itself.stderr]).toEqual([1, expect.stringContaining('a copy of itself')])
    const copy = join(folder, 'running-branch')
    const branch = new Command('branch', '-D', dataDir, copy)
    expect(await branch.closed, branch.stderr).toBe(0)
    expect(branch.stdout).toContain(`copied the cluster into "${copy}"`)
    await client.query("insert into article values ('chair')")
    const other = await startServer({ port: 0, dataDir: copy })
    expect(await articles(other)).toEqual(['lamp'])
    await other.stop()
    const again = new Command('branch', '-D', dataDir, copy)
    expect([await again.closed, again.stderr]).toEqual([1, expect.stringContaining('is not empty')])
    await client.end()
    server.process.kill('SIGINT')
    expect(await server.closed).toBe(0)
  })

  test('copies a cluster that no server runs on', async () => {
    const copy = join(folder, 'stopped-branch')
    const branch = new Command('branch', '-D', join(folder, 'running'), copy)
    expect(await branch.closed, branch.stderr).toBe(0)
    const other = await startServer({ port: 0, dataDir: copy })
    expect(await articles(other)).toEqual(['chair', 'lamp'])
    await other.stop()
  })

  test('says that there is no cluster', async () => {
    const branch = new Command('branch', '-D', join(folder, 'nowhere'), join(folder, 'copy'))
    expect([await branch.closed, branch.stderr]).toEqual([
      1,
      expect.stringContaining('holds no PostgreSQL cluster'),
    ])
  })
})
