/** How a server tells scripts that it is ready, and how it runs a command with --run. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { Command } from '../fixtures/command.js'
import { oneThread } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-command-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('--json and --ready-file describe the server, as long as it is ready', async () => {
  const file = join(folder, 'ready')
  const command = new Command('-p', '0', '--json', '--ready-file', file)
  await until('it is ready', () => command.stdout.endsWith('}\n'))
  const described = JSON.parse(command.stdout)
  expect(described).toMatchObject({ host: 'localhost', pid: command.process.pid, ephemeral: true })
  expect(readFileSync(file, 'utf8')).toBe(command.stdout)
  const client = new pg.Client(described.url)
  await client.connect()
  const { rows } = await client.query(
    `select current_setting('port')::int as port, current_setting('data_directory') as dir`,
  )
  expect(rows).toEqual([{ port: described.port, dir: described.dataDir }])
  await client.end()
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
  expect(existsSync(file)).toBe(false)
})

test('the server tells systemd when it is ready, and when it stops', async () => {
  const told = join(folder, 'told')
  const script = `#!/bin/sh\necho "$@" >> '${told}'\n`
  writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o755 })
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`)
  vi.stubEnv('NOTIFY_SOCKET', join(folder, 'socket'))
  const command = new Command('-q', '-p', '0')
  vi.unstubAllEnvs()
  const { pid } = command.process
  await command.url()
  await until('it is told of the start', () => existsSync(told))
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
  await until('it is told of the end', () => readFileSync(told, 'utf8').includes('STOPPING'))
  expect(readFileSync(told, 'utf8')).toBe(`--pid=${pid} READY=1\n--pid=${pid} STOPPING=1\n`)
})

describe('--run', () => {
  const node = (script: string) => `"${process.execPath}" -e "${script}"`

  test('gives the command the server, and ends as it does', async () => {
    const script = `console.log(process.env.DATABASE_URL, process.env.PGPORT); process.exitCode = 7`
    const command = new Command('-q', '-p', '0', '--run', node(script))
    expect(await command.closed).toBe(7)
    const [, port] = /^postgres:\/\/postgres@localhost:(\d+)\/postgres \1\n$/.exec(command.stdout) ?? []
    await expect(new pg.Client({ port: Number(port), user: 'postgres' }).connect()).rejects.toThrow(
      'ECONNREFUSED',
    )
  })

  test('passes signals on to the command and what it has started', async () => {
    const script = `process.on('SIGTERM', () => { console.log('bye'); process.exit(3) }); setInterval(() => {}, 9); console.log('up')`
    // Two commands, so that the shell stays.
    const command = new Command('-q', '-p', '0', '--run', `${node(script)}; exit $?`)
    await until('it is up', () => command.stdout.includes('up'))
    command.process.kill('SIGTERM')
    await command.closed
    expect(command.stdout).toContain('bye')
  })

  test('ends all processes that the command has started, in whatever session they are', async () => {
    const pids = join(folder, 'pids')
    // One in the background, one in a session of its own that does not mind SIGTERM.
    const command = new Command(
      ...['-q', '-p', '0', '--run'],
      `sleep 300 & echo $! > '${pids}'; setsid sh -c 'trap "" TERM; echo $$ >> "${pids}"; while :; do sleep 1; done' & sleep 1`,
    )
    expect(await command.closed).toBe(0)
    const left = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
    expect(left).toHaveLength(2)
    // A process that has ended keeps its PID until its parent asks for its status.
    const state = (pid: number) =>
      existsSync(`/proc/${pid}/stat`)
        ? readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '')[0]
        : 'none'
    for (const pid of left) expect(['Z', 'X', 'none']).toContain(state(pid))
  })

  test.runIf(process.getuid?.() === 0)(
    'gives its programs to a user without a name and a home, as containers have',
    async () => {
      const psql = `"${process.execPath}" "${join(repository, 'wasm/dist/commands/psql')}" -XAtc 'select current_user'`
      const user = ['--reuid=54321', '--regid=54321', '--clear-groups', 'env', '-u', 'HOME', 'sh', '-c']
      const command = new Command('-q', '-p', '0', '--run', `exec setpriv ${user.join(' ')} "$AS_USER"`, {
        env: { AS_USER: `${psql}; unset PGUSER; ${psql}` },
      })
      expect(await command.closed).toBe(0)
      expect(command.stdout).toBe('postgres\npostgres\n')
    },
  )

  test('reports a command that does not exist', async () => {
    const command = new Command('-q', '-p', '0', '--run', 'nosuch-command')
    expect(await command.closed).toBe(127)
    expect(command.stderr).toContain('nosuch-command')
  })
})

describe('while it starts', () => {
  /** A cluster whose server was killed after so many transactions, with WAL that takes a while to recover. */
  async function crashed(name: string, transactions: number): Promise<string> {
    const dataDir = join(folder, name)
    const server = new Command('-q', '-p', '0', '-D', dataDir, '-c', 'synchronous_commit=off')
    const client = await server.connect()
    await client.query('create table counted as select 0 as n from generate_series(1, 1000)')
    await client.query(
      `do $$ begin for i in 1..${transactions} loop update counted set n = n + 1; commit; end loop; end $$`,
    )
    await client.query('select pg_switch_wal()')
    server.process.kill('SIGKILL')
    await server.closed
    return dataDir
  }

  test('a server that recovers can be stopped, and recovers when it is started again', async () => {
    const dataDir = await crashed('stopped-in-recovery', 300)
    const threads = oneThread ? ['--no-threads'] : []
    const stopped = new Command('-v', '-p', '0', '-D', dataDir, ...threads)
    await until('it recovers', () => stopped.stderr.includes('redo starts'))
    stopped.process.kill('SIGTERM')
    expect(await stopped.closed).toBe(1)
    expect(stopped.stderr).not.toContain('redo done')
    const again = new Command('-v', '-p', '0', '-D', dataDir, ...threads)
    const client = await again.connect()
    expect((await client.query('select distinct n from counted')).rows).toEqual([{ n: 300 }])
    await client.end()
    again.process.kill('SIGINT')
    expect(await again.closed).toBe(0)
  })
})
