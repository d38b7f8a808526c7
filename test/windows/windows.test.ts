/**
 * The server on Windows, as far as Wine is that; docs/windows.md tells what Wine cannot show. One cluster, in a directory of drive Z:,
 * is used by one test after the other.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from 'pglite-imports-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { processPath, Wine, type WineProcess, windowsPath } from '../fixtures/wine.js'

let wine: Wine
let folder: string
let dataDir: string
const inFolder = (name: string) => join(folder, name)

beforeAll(async () => {
  wine = await Wine.make()
  folder = mkdtempSync(join(tmpdir(), 'windows-test-'))
  dataDir = inFolder('data')
  mkdirSync(inFolder('files'))
})
afterAll(async () => {
  await wine?.close()
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
})

const serve = (...args: string[]) =>
  wine.command('-p', '0', '-D', windowsPath(dataDir), '--allow-dir', windowsPath(inFolder('files')), ...args)

/** A command on the cluster's directory. */
const on = (name: string, ...args: string[]) =>
  wine.command(name, '-D', windowsPath(dataDir), ...args).outcome()

/** All of a script's output is the same there as here. */
test('operations on open files have the same results as on other systems', async () => {
  const script = join(repository, 'test', 'fixtures', 'open-files.mjs')
  for (const name of ['here', 'there']) mkdirSync(inFolder(name))
  const there = await wine.spawn([windowsPath(script), processPath(inFolder('there'))]).outcome()
  const here = spawnSync(process.execPath, [script, inFolder('here')], { encoding: 'utf8' })
  expect(there.stderr).toBe('')
  expect(there.stdout.split('\n')).toEqual(here.stdout.split('\n'))
  expect(there.stdout.split('\n').length).toBeGreaterThan(5)
})

describe('a server', () => {
  let server: WineProcess

  beforeAll(() => {
    server = serve()
  })

  test('starts in a new directory, and shows its processes POSIX paths', async () => {
    const client = await server.connect()
    const { rows } = await client.query("select current_setting('data_directory') as path")
    expect(rows).toEqual([{ path: processPath(dataDir) }])
    await client.query('create table kept (n int primary key, t text)')
    await client.query("insert into kept select n, repeat('x', 100) from generate_series(1, 5000) n")
    await client.end()
  })

  test('is the only server of its directory', async () => {
    const second = await serve().outcome()
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/is in use by another server \(PID \d+, port \d+\)/)
    const { code, stdout } = await on('status')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^server is ready, PID \d+, at /)])
  })

  test('lets sessions use a table that another one drops, truncates or moves', async () => {
    const [a, b] = [await server.connect(), await server.connect()]
    for (let round = 0; round < 5; round++) {
      await a.query('create table passing as select generate_series(1, 20000) as n')
      await b.query('select sum(n) from passing')
      await b.query('truncate passing')
      await a.query('insert into passing values (1)')
      await a.query('alter table passing alter n type bigint')
      await b.query('vacuum full passing')
      expect((await a.query('select n from passing')).rows).toEqual([{ n: '1' }])
      await b.query('drop table passing')
    }
    await a.query('checkpoint')
    await b.query("alter system set work_mem = '5MB'")
    await b.query("alter system set work_mem = '6MB'")
    await a.query('create database passing')
    const c = await server.connect({ database: 'passing' })
    await c.query('create table t as select generate_series(1, 1000) as n')
    await c.end()
    await a.query('drop database passing with (force)')
    await Promise.all([a.end(), b.end()])
    const left = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    expect(left.filter(name => name.includes('pgsql_tmp.deleted'))).toEqual([])
  })

  test('copies to and from files in allowed directories, and no others', async () => {
    const client = await server.connect()
    const file = `${processPath(folder)}/files/rows.csv`
    await client.query(`copy (select n from kept where n <= 3) to '${file}'`)
    expect(readFileSync(inFolder('files/rows.csv'), 'utf8')).toBe('1\n2\n3\n')
    await client.query('create temp table read (n int)')
    await client.query(`copy read from '${file}'`)
    expect((await client.query('select count(*)::int from read')).rows).toEqual([{ count: 3 }])
    await client.query("copy kept to '/dev/null'")
    writeFileSync(inFolder('secret'), '1\n')
    for (const path of [
      `${processPath(folder)}/secret`,
      `${processPath(dataDir)}/..\\secret`,
      `${processPath(dataDir)}/${windowsPath(inFolder('secret'))}`,
      '/c/windows/win.ini',
    ])
      await expect(client.query(`copy read from '${path}'`)).rejects.toMatchObject({ code: '42501' })
    await client.end()
  })

  test('says why there is no tablespace where there are no junctions, and goes on', async () => {
    mkdirSync(inFolder('files/space'))
    const client = await server.connect()
    const location = `${processPath(folder)}/files/space`
    await expect(client.query(`create tablespace space location '${location}'`)).rejects.toThrow(
      'could not create symbolic link',
    )
    expect((await client.query('select count(*)::int from kept')).rows).toEqual([{ count: 5000 }])
    await client.end()
  })

  test('takes signals from the command line', async () => {
    const client = await server.connect()
    writeFileSync(join(dataDir, 'postgresql.auto.conf'), "work_mem = '7MB'\n")
    expect(await on('reload')).toMatchObject({ code: 0 })
    await expect
      .poll(async () => (await client.query('show work_mem')).rows, { timeout: 30_000 })
      .toEqual([{ work_mem: '7MB' }])
    expect(await on('stop')).toMatchObject({ code: 0, stderr: '' })
    expect(await server.exited).toBe(0)
    expect(await on('status')).toMatchObject({ code: 3 })
    expect(readdirSync(dataDir).filter(name => name.startsWith('pg_internal'))).toEqual([])
  })
})

/** What a process has written the system keeps, so that nothing need be on the disk. */
test('a server that is killed loses nothing that was acknowledged', async () => {
  const server = serve('-c', 'fsync=off')
  const client = await server.connect()
  let acknowledged = 5000
  const writing = (async () => {
    for (;;) {
      await client.query("insert into kept values ($1, 'later')", [acknowledged + 1])
      acknowledged++
    }
  })()
  await expect.poll(() => acknowledged, { timeout: 60_000 }).toBeGreaterThan(5050)
  server.kill()
  await expect(writing).rejects.toThrow()
  await server.exited

  const again = serve('-v', '-c', 'fsync=off')
  const reader = await again.connect()
  expect(again.stderr).toContain('database system was not properly shut down')
  const { rows } = await reader.query('select count(*)::int, max(n) from kept')
  expect(rows[0].count).toBe(rows[0].max)
  expect(rows[0].count).toBeGreaterThanOrEqual(acknowledged)
  await reader.query('delete from kept where n > 5000')
  await reader.end()
  expect(await on('stop', '-m', 'immediate')).toMatchObject({ code: 0 })
  await again.exited
})

test('programs read and write files by their paths on Windows', async () => {
  const dump = windowsPath(inFolder('dump'))
  const dumped = await on('dump', '-Fc', '-t', 'kept', '-f', dump)
  expect(dumped).toMatchObject({ code: 0, stderr: '' })
  writeFileSync(
    inFolder('script.sql'),
    `drop table kept;\n\\copy (select 1) to '${windowsPath(inFolder('one')).replaceAll('\\', '/')}'\n`,
  )
  const script = await on('psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', windowsPath(inFolder('script.sql')))
  expect(script).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(inFolder('one'), 'utf8')).toBe('1\n')
  expect(await on('restore', dump)).toMatchObject({ code: 0, stderr: '' })
  const counted = await on('psql', '-XAtc', 'select count(*) from kept')
  expect(counted).toMatchObject({ code: 0, stdout: '5000\n', stderr: '' })
})

test('a cluster is exported as one file, and other systems can use its directory', async () => {
  const archive = inFolder('archive')
  expect(await on('export', windowsPath(archive))).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(archive).length).toBeGreaterThan(1_000_000)
  // The directory itself can be used here as well.
  const server = await startServer({ dataDir, port: 0 })
  await server.stop()
})

test('a unix socket is refused, without a stack trace', async () => {
  const { code, stderr } = await serve('-k', windowsPath(folder)).outcome()
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^pglite-imports-server: cannot make a unix socket .*\n$/),
  ])
})
