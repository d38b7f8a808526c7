import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServerProcess, useServer } from '../fixtures/server.js'

const scratch = mkdtempSync(join(tmpdir(), 'file-access-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const inScratch = (...names: string[]) => join(scratch, ...names)
const secret = inScratch('secret', 'file')
mkdirSync(inScratch('secret'))
writeFileSync(secret, 'secret\n')

async function dataDirectory(client: pg.Client): Promise<string> {
  const { rows } = await client.query('show data_directory')
  return rows[0].data_directory
}

describe('the superuser', () => {
  const server = useServer()
  const denied = { code: '42501' }

  test.each([
    ['COPY FROM', `copy lines from '${secret}'`],
    ['COPY TO', `copy lines to '${inScratch('made')}'`],
    ['pg_read_file', `select pg_read_file('${secret}')`],
    ['pg_read_binary_file', `select pg_read_binary_file('${secret}')`],
    ['pg_read_file of a process', "select pg_read_file('/proc/self/environ')"],
    ['pg_read_file by ..', `select pg_read_file('base/../../../../../../../../../..${secret}')`],
    ['pg_ls_dir', `select pg_ls_dir('${inScratch('secret')}')`],
    ['pg_ls_dir of the parent', "select pg_ls_dir('..')"],
    ['pg_ls_dir of the root', "select pg_ls_dir('/')"],
    ['pg_stat_file', `select pg_stat_file('${secret}', true)`],
    ['pg_stat_file of what is not there', `select pg_stat_file('${inScratch('nothing')}', true)`],
    ['lo_import', `select lo_import('${secret}')`],
    ['lo_export', `select lo_create(4711); select lo_export(4711, '${inScratch('made')}')`],
    ['CREATE TABLESPACE', `create tablespace outside location '${inScratch('secret')}'`],
    ['LOAD', `load '${secret}'`],
    ['a base backup to the server', undefined],
  ])('cannot leave the data directory by %s', async (_, statement) => {
    const client = await server.connect(
      statement === undefined ? ({ replication: 'database' } as pg.ClientConfig) : {},
    )
    if (statement?.includes('lines')) await client.query('create table if not exists lines (line text)')
    const text = statement ?? `BASE_BACKUP (TARGET 'server', TARGET_DETAIL '${inScratch('backup')}')`
    await expect(client.query(text)).rejects.toMatchObject(
      text.startsWith('load') ? { message: expect.stringContaining('Permission denied') } : denied,
    )
    expect(existsSync(inScratch('made')) || existsSync(inScratch('backup'))).toBe(false)
    expect(readFileSync(secret, 'utf8')).toBe('secret\n')
  })

  test('cannot leave it by the file of a foreign table', async () => {
    const client = await server.connect()
    await client.query('create extension file_fdw; create server files foreign data wrapper file_fdw')
    await client.query(`create foreign table secret (line text) server files options (filename '${secret}')`)
    await expect(client.query('table secret')).rejects.toMatchObject(denied)
    await client.query("create foreign table listing (line text) server files options (program 'ls /')")
    await expect(client.query('table listing')).rejects.toThrow('could not execute command')
    await client.query('drop extension file_fdw cascade')
  })

  test.each(["copy (select 1) to program 'cat'", "copy lines from program 'ls'"])(
    'cannot run a program: %s',
    async statement => {
      const client = await server.connect()
      await client.query('create table if not exists lines (line text)')
      await expect(client.query(statement)).rejects.toThrow('could not execute command')
    },
  )

  test('cannot have the log written elsewhere', async () => {
    const client = await server.connect()
    await client.query(`alter system set log_directory = '${inScratch('log')}'`)
    await client.query('select pg_reload_conf()')
    await client.query('select pg_rotate_logfile()')
    await client.query('alter system reset log_directory')
    expect(existsSync(inScratch('log'))).toBe(false)
  })

  test('can follow a link inside the data directory, but none that leads out', async () => {
    const client = await server.connect()
    const directory = await dataDirectory(client)
    symlinkSync(secret, join(directory, 'out'))
    symlinkSync(inScratch('secret'), join(directory, 'base', 'out'))
    symlinkSync('PG_VERSION', join(directory, 'in'))
    symlinkSync('out', join(directory, 'chain'))
    for (const name of ['out', 'chain', 'base/out/file', './base/../base/out/file'])
      await expect(client.query('select pg_read_file($1)', [name])).rejects.toMatchObject(denied)
    await expect(client.query(`copy (select 1) to '${join(directory, 'out')}'`)).rejects.toMatchObject(denied)
    await expect(client.query("select pg_ls_dir('base/out')")).rejects.toMatchObject(denied)
    const { rows } = await client.query("select pg_read_file('in') as version")
    expect(rows[0].version).toBe('18\n')
    expect(readFileSync(secret, 'utf8')).toBe('secret\n')
  })

  test('can read and write in the data directory, read what is installed, and write to /dev/null', async () => {
    const client = await server.connect()
    const file = join(await dataDirectory(client), 'lines')
    await client.query(`copy (values ('a'), ('b')) to '${file}'`)
    const { rows } = await client.query('select pg_read_file($1) as text', [file])
    expect(rows[0].text).toBe('a\nb\n')
    await client.query("copy (select 1) to '/dev/null'")
    await client.query("set timezone to 'Europe/Vienna'")
    const installed = new URL('../../wasm/dist/share/', import.meta.url).pathname
    await expect(client.query(`copy (select 1) to '${installed}x'`)).rejects.toMatchObject(denied)
  })
})

describe('--allow-dir', () => {
  mkdirSync(inScratch('allowed'))
  mkdirSync(inScratch('tablespace'))
  const server = useServer({
    args: ['--allow-dir', inScratch('allowed'), '--allow-dir', inScratch('tablespace')],
  })

  test('lets SQL read and write there, and not beside it', async () => {
    const client = await server.connect()
    await client.query(`copy (values ('a')) to '${inScratch('allowed', 'lines')}'`)
    expect(readFileSync(inScratch('allowed', 'lines'), 'utf8')).toBe('a\n')
    await expect(
      client.query(`copy (select 1) to '${inScratch('allowed', '..', 'secret', 'x')}'`),
    ).rejects.toMatchObject({ code: '42501' })
    symlinkSync(secret, inScratch('allowed', 'link'))
    await expect(
      client.query(`select pg_read_file('${inScratch('allowed', 'link')}')`),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('lets a tablespace be there', async () => {
    const client = await server.connect()
    await client.query(`create tablespace elsewhere location '${inScratch('tablespace')}'`)
    await client.query('create table far tablespace elsewhere as select 42 as answer')
    await client.query('checkpoint')
    expect((await client.query('table far')).rows).toEqual([{ answer: 42 }])
    await client.query('drop table far')
    await client.query('drop tablespace elsewhere')
  })

  test('with a path that is no directory is refused', async () => {
    await expect(ServerProcess.start({ args: ['--allow-dir', secret] })).rejects.toThrow(
      `cannot allow access to "${secret}": it is not a directory`,
    )
  })
})

describe('links that are in the data directory when the server starts', () => {
  const dataDir = inScratch('data')
  beforeAll(async () => {
    const server = await ServerProcess.start({
      args: ['-D', dataDir, '--allow-dir', inScratch('tablespace')],
    })
    const client = await server.connect()
    await client.query(`create tablespace elsewhere location '${inScratch('tablespace')}'`)
    await client.query('create table far tablespace elsewhere as select 42 as answer')
    await client.end()
    await server.stop()
    cpSync(join(dataDir, 'pg_wal'), inScratch('wal'), { recursive: true })
    rmSync(join(dataDir, 'pg_wal'), { recursive: true })
    symlinkSync(inScratch('wal'), join(dataDir, 'pg_wal'))
  })

  test('are followed: pg_wal on another disk, tablespaces', async () => {
    const server = await ServerProcess.start({ args: ['-D', dataDir] })
    const client = await server.connect()
    expect((await client.query('table far')).rows).toEqual([{ answer: 42 }])
    await client.query('insert into far values (43)')
    await client.query('select pg_switch_wal()')
    await client.end()
    expect(await server.stop()).toBe(0)
    expect(lstatSync(join(dataDir, 'pg_wal')).isSymbolicLink()).toBe(true)
  })
})
