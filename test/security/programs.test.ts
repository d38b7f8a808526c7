/** There is no shell: everything that would have one run a command says so, and nothing waits for it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../../dist/server/index.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer({
  args: ['-v', '-c', 'archive_mode=on', '-c', 'archive_command=cp %p /archive/%f', '-c', 'archive_timeout=0'],
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

test('archive_command fails as one that is not found, and the log says why', async () => {
  const client = await server.connect()
  await client.query('create table kept (a int)')
  await client.query('select pg_switch_wal()')
  await until('it has failed', () => server.log.includes('archive command failed'))
  expect(server.log).toMatch(
    /could not execute command "cp pg_wal\/\w+ \/archive\/\w+"\n.*This server has neither a shell nor programs/,
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
      settings: { restore_command: 'cp /archive/%f %p' },
      log: line => lines.push(line),
    }),
  ).rejects.toThrow(/^could not restore file "[\w.]+" from archive: command not found/)
  expect(lines.join('\n')).toMatch(/could not execute command "cp \/archive\/\S+ pg_wal\/\w+"/)
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
