/** The log: PostgreSQL's settings decide what is in it and how it looks. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { Command, commandLine } from '../fixtures/command.js'
import { until } from '../fixtures/until.js'

async function loggedBy(args: string[], statement: string): Promise<{ lines: string[]; pid: number }> {
  const command = new Command('-p', '0', ...args)
  const client = await command.connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  await client.query(statement).catch(() => {})
  await client.end()
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
  return { lines: command.stderr.trimEnd().split('\n'), pid: rows[0].pid }
}

test('--log-format json gives an object for each entry, with its level and session', async () => {
  const args = ['--log-format', 'json', '-c', 'log_statement=all']
  const long = 'ä'.repeat(20_000)
  const { lines, pid } = await loggedBy(args, `select '${long}', nosuch\n from pg_class`)
  const entries = lines.map(line => JSON.parse(line))
  expect(entries.every(entry => entry.timestamp && entry.pid && entry.error_severity)).toBe(true)
  expect(entries).toContainEqual(
    expect.objectContaining({
      message: 'database system is ready to accept connections',
      error_severity: 'LOG',
    }),
  )
  const error = entries.find(entry => entry.error_severity === 'ERROR')
  expect(error).toMatchObject({
    pid,
    user: 'postgres',
    dbname: 'postgres',
    state_code: '42703',
    message: 'column "nosuch" does not exist',
    statement: `select '${long}', nosuch\n from pg_class`,
    backend_type: 'client backend',
  })
  const logged = entries.find(entry => entry.message === 'statement: select pg_backend_pid() as pid')
  expect(logged.session_id).toBe(error.session_id)
})

test('a failure to start is logged as an object, too', async () => {
  const command = new Command('-p', '0', '--log-format', 'json', '-c', 'wal_level=x')
  expect(await command.closed).toBe(1)
  const last = JSON.parse(command.stderr.trimEnd().split('\n').at(-1)!)
  expect(last).toMatchObject({ error_severity: 'FATAL', message: expect.stringContaining('wal_level') })
})

test('log_line_prefix, log_statement and log_min_messages are honoured', async () => {
  const { lines, pid } = await loggedBy(
    ['-c', 'log_line_prefix=<%p|%u> ', '-c', 'log_statement=ddl', '-c', 'log_min_messages=log'],
    'create table t (a int)',
  )
  expect(lines).toEqual([`<${pid}|postgres> LOG:  statement: create table t (a int)`])
})

test('log_destination = csvlog gives lines of CSV', async () => {
  const { lines } = await loggedBy(
    ['-c', 'log_destination=csvlog', '-c', 'log_statement=ddl'],
    'create table t (a int)',
  )
  expect(lines.find(line => line.includes('statement: create table'))).toMatch(
    /^\d{4}-.*,"postgres","postgres",\d+,.*,LOG,00000,/,
  )
})

test('a logging collector is refused', async () => {
  const command = new Command('-p', '0', '-c', 'logging_collector=on')
  expect(await command.closed).toBe(1)
  expect(command.stderr).toMatch(/^pglite-imports-server: logging_collector cannot be on: .*\n$/)
})

test('a reload can change what is logged', async () => {
  const command = new Command('-p', '0')
  const client = await command.connect()
  await client.query(`alter system set log_statement = 'all'`)
  command.process.kill('SIGHUP')
  await until('statements are logged', async () => {
    await client.query('select 42 as answer')
    return command.stderr.includes('statement: select 42 as answer')
  })
  await client.end()
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
})

test('a server goes on when the reader of its log has ended', async () => {
  const command = new Command('-p', '0')
  const client = await command.connect()
  command.process.stderr.destroy()
  for (let i = 0; i < 3; i++)
    await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.end()
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
})

test("the log has a statement's entries before the client gets its answer", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-test-'))
  const file = join(folder, 'log')
  const server = spawn('sh', ['-c', 'exec "$@" 2> "$0"', file, process.execPath, commandLine, '-p', '0'])
  const exited = once(server, 'close')
  const [ready] = await once(server.stdout, 'data')
  const client = new pg.Client(/postgres:\S+/.exec(String(ready))![0])
  await client.connect()
  for (let i = 0; i < 300; i++) {
    await client.query(`select 1 / 0 as n${i}`).catch(() => {})
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`STATEMENT: {2}select 1 / 0 as n${i}\n`))
  }
  await client.end()
  server.kill('SIGINT')
  expect(await exited).toEqual([0, null])
  rmSync(folder, { recursive: true })
})
