/** There is no shell: whatever would run a command other than cp fails with an error that says so, and nothing waits for the command. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../../dist/server/index.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer({
  args: [
    '-v',
    '-c',
    'archive_mode=on',
    '-c',
    'archive_command=gzip -c %p > /archive/%f',
    '-c',
    'archive_timeout=0',
  ],
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'programs-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(["copy (select 1) to program 'cat'", "copy t from program 'cat'"])('%s', async statement => {
  const client = await server.connect()
  await client.query('create temp table t (a int)')
  await expect(client.query(statement)).rejects.toMatchObject({
    code: '0A000',
    message: 'could not execute command "cat"',
    detail: 'This server has neither a shell nor programs to run.',
  })
  expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }])
})

test('archive_command fails like a command that is not found, and the log says why', async () => {
  const client = await server.connect()
  await client.query('create table kept (a int)')
  await client.query('select pg_switch_wal()')
  await until('it has failed', () => server.log.includes('archive command failed'))
  expect(server.log).toMatch(
    /could not execute command "gzip -c pg_wal\/\w+ > \/archive\/\w+"\n.*This server has neither a shell nor programs/,
  )
  expect(server.log).toMatch(/archive command failed with exit code 127/)
})

test('restore_command keeps the server from starting', async () => {
  const dataDir = join(folder, 'restore')
  await (await startServer({ dataDir, port: 0 })).stop()
  writeFileSync(join(dataDir, 'recovery.signal'), '')
  const lines: string[] = []
  await expect(
    startServer({
      dataDir,
      port: 0,
      settings: { restore_command: 'zcat /archive/%f > %p' },
      log: line => lines.push(line),
    }),
  ).rejects.toThrow(/^could not restore file "[\w.]+" from archive: command not found/)
  expect(lines.join('\n')).toMatch(/could not execute command "zcat \/archive\/\S+ > pg_wal\/\w+"/)
})

test('a library archives instead', async () => {
  const archive = join(folder, 'archive')
  mkdirSync(archive)
  const own = await ServerProcess.start({
    args: [
      ...['-c', 'archive_mode=on', '-c', 'archive_library=basic_archive'],
      ...['-c', `basic_archive.archive_directory=${archive}`],
    ],
  })
  const client = await own.connect()
  await client.query('create table kept (a int)')
  await client.query('select pg_switch_wal()')
  await until('it is archived', async () => {
    const { rows } = await client.query('select archived_count::int as count from pg_stat_archiver')
    return rows[0].count > 0
  })
  await client.end()
  expect(await own.stop()).toBe(0)
})

/** Bytes of WAL in a file of a new cluster. */
const SEGMENT = 1024 ** 2

/** Starts a server that archives by a command, and returns its log when it has archived a segment, or failed to. */
async function archiveBy(command: string, ...args: string[]): Promise<string> {
  const own = await ServerProcess.start({
    args: ['-v', '-c', 'archive_mode=on', '-c', `archive_command=${command}`, ...args],
  })
  const client = await own.connect()
  await client.query('create table kept (a int); select pg_switch_wal()')
  await until('it has tried', async () => {
    const { rows } = await client.query(
      'select (archived_count + failed_count)::int as count from pg_stat_archiver',
    )
    // A command that there is not ends the archiver before it counts.
    return rows[0].count > 0 || own.log.includes('archive command failed')
  })
  await client.end()
  expect(await own.stop()).toBe(0)
  return own.log
}

test('cp archives into a folder that --allow-dir names, as itself or with a test in front', async () => {
  const archive = join(folder, 'with space')
  mkdirSync(archive)
  for (const command of [
    `cp %p '${archive}/%f'`,
    `test ! -f "${archive}/2%f" && cp "%p" "${archive}/2%f"`,
    `cp %p '${archive}'`,
  ]) {
    expect(await archiveBy(command, '--allow-dir', archive)).not.toContain('could not')
    const names = readdirSync(archive)
    expect(names.join()).toMatch(/^2?[0-9A-F]{24}(,2?[0-9A-F]{24})*$/)
    expect(statSync(join(archive, names[0]!)).size).toBe(SEGMENT)
    rmSync(archive, { recursive: true })
    mkdirSync(archive)
  }
})

test('cp archives nowhere else, and overwrites nothing that a test is to keep', async () => {
  const archive = join(folder, 'kept')
  mkdirSync(archive)
  expect(await archiveBy(`cp %p ${archive}/%f`)).toMatch(
    /cp: could not create ".*": Permission denied\n.*HINT: +Start the server with --allow-dir/,
  )
  expect(readdirSync(archive)).toEqual([])
  writeFileSync(join(archive, 'there'), 'kept')
  const log = await archiveBy(`test ! -f ${archive}/there && cp %p ${archive}/there`, '--allow-dir', archive)
  expect(log).toMatch(/test: file ".*\/there" exists/)
  expect(readFileSync(join(archive, 'there'), 'utf8')).toBe('kept')
})

test.each([
  'cp %p /archive/%f; true',
  'cp %p $HOME/%f',
  'cp -i %p /archive/%f',
  'cp %p',
  'cp %p "a`b`"',
  "cp %p 'a",
])('no command that needs a shell is taken for cp: %s', async command => {
  expect(await archiveBy(command)).toMatch(/could not execute command "cp /)
})
