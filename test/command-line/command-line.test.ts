/** What the command line says, to whom, and how it ends. */
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Command, commandLine } from '../fixtures/command.js'
import { until } from '../fixtures/until.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-line-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('at its start', () => {
  test('it says where to connect, with psql too, and that the data will not last', async () => {
    const command = new Command('-p', '0')
    const url = await command.url()
    const port = new URL(url).port
    await until('all is said', () => command.stdout.includes('Ctrl-C'))
    expect(url).toBe(`postgres://postgres@localhost:${port}/postgres`)
    expect(command.stdout).toContain(`psql -h localhost -p ${port} -U postgres`)
    expect(command.stdout).toContain('ephemeral')
    command.process.kill('SIGINT')
    expect(await command.closed).toBe(0)
    expect(command.stderr).toBe('')
  })

  test('--quiet prints the connection string and nothing else, not even errors of statements', async () => {
    const command = new Command('-q', '-p', '0')
    const client = await command.connect()
    await client.query('selec 1').catch(() => {})
    await client.end()
    command.process.kill('SIGINT')
    await command.closed
    expect(command.stdout).toMatch(/^postgres:\S+\n$/)
    expect(command.stderr).toBe('')
  })

  test('it shows statements that fail, and --verbose shows all of the log', async () => {
    for (const [options, lines] of [
      [[], ['ERROR:  syntax error', 'STATEMENT:  selec 1']],
      [
        ['-v'],
        ['LOG:  starting PostgreSQL 18', 'ERROR:  syntax error', 'LOG:  database system is shut down'],
      ],
    ] as const) {
      const command = new Command('-p', '0', ...options)
      const client = await command.connect()
      await client.query('selec 1').catch(() => {})
      await client.end()
      command.process.kill('SIGINT')
      await command.closed
      for (const line of lines) expect(command.stderr).toContain(line)
      if (options.length === 0) expect(command.stderr).not.toContain('LOG:')
    }
  })

  test('settings, connection limit and unix socket are as given', async () => {
    const command = new Command(
      ...['-p', '0', '-k', folder, '-c', 'work_mem=7MB', '-c', 'search_path=a, b', '--max-connections', '12'],
    )
    const port = new URL(await command.url()).port
    const client = new pg.Client({ host: folder, port: Number(port), user: 'postgres' })
    await client.connect()
    const { rows } = await client.query({
      text: `select current_setting('work_mem'), current_setting('search_path'), current_setting('max_connections')`,
      rowMode: 'array',
    })
    expect(rows).toEqual([['7MB', 'a, b', '12']])
    await client.end()
    command.process.kill('SIGINT')
    expect(await command.closed).toBe(0)
  })

  test('both address families of localhost are served', async () => {
    const command = new Command('-q', '-p', '0')
    const port = Number(new URL(await command.url()).port)
    for (const host of ['127.0.0.1', '::1']) {
      const client = new pg.Client({ host, port, user: 'postgres' })
      await client.connect()
      const { rows } = await client.query('select host(inet_client_addr()) as address')
      expect(rows).toEqual([{ address: host }])
      await client.end()
    }
    command.process.kill('SIGINT')
    await command.closed
  })
})

describe('one clear line on stderr and exit code 1 for', () => {
  let taken: Server
  let port: number
  beforeAll(async () => {
    taken = createServer().listen({ host: '::1', port: 0 })
    await once(taken, 'listening')
    port = (taken.address() as { port: number }).port
  })
  afterAll(() => {
    taken.close()
  })

  const refused: [string, () => string[], RegExp][] = [
    [
      'a port that is taken on one family only',
      () => ['-p', `${port}`],
      /cannot listen on ::1, port \d+: another/,
    ],
    [
      'a port out of range',
      () => ['-p', '65536'],
      /option "port" must be a whole number from 0 to 65535, not 65536/,
    ],
    ['a port that is no number', () => ['-p', 'five'], /'five' is invalid. It must be a whole number/],
    [
      'an address of another machine',
      () => ['-p', '0', '-h', '192.0.2.1'],
      /192.0.2.1.* not an address of this/,
    ],
    [
      'a directory that holds something else',
      () => ['-D', '/usr'],
      /"\/usr" is not empty and holds no PostgreSQL/,
    ],
    ['a directory that is a file', () => ['-D', commandLine], /is not a directory/],
    [
      'an unknown setting',
      () => ['-p', '0', '-c', 'nosuch=1'],
      /unrecognized configuration parameter "nosuch"/,
    ],
    ['a value out of range', () => ['-p', '0', '-c', 'max_connections=0'], /outside the valid range/],
    [
      'a value with a hint',
      () => ['-p', '0', '-c', 'wal_level=x'],
      /"x" \(Available values: minimal, replica/,
    ],
    ['a setting without a value', () => ['-c', 'work_mem'], /'work_mem' is invalid. It must be name=value/],
    [
      'settings that are too long',
      () => ['-p', '0', '-c', `my.setting=${'x'.repeat(70_000)}`],
      /the command line is too long: it has \d+ arguments, in 7\d{4} bytes; a process can have 1023, and 65536/,
    ],
    ['an unknown option', () => ['--nosuch'], /unknown option '--nosuch'/],
    ['an unknown command', () => ['frobnicate'], /unknown command 'frobnicate'/],
    ['an unexpected argument', () => ['start', 'extra'], /too many arguments/],
    ['a socket directory that is not there', () => ['-p', '0', '-k', '/nosuch'], /"\/nosuch.*No such file/],
  ]
  test.each(refused)('%s', async (_, args, message) => {
    const command = new Command(...args())
    expect(await command.closed).toBe(1)
    expect(command.stderr).toMatch(message)
    expect(command.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(command.stdout).toBe('')
  })
})

describe('of signals', () => {
  test('SIGINT disconnects clients and shuts down', async () => {
    const command = new Command('-q', '-p', '0')
    const client = await command.connect()
    const sleeping = client.query('select pg_sleep(60)')
    command.process.kill('SIGINT')
    await expect(sleeping).rejects.toMatchObject({ code: '57P01' })
    expect(await command.closed).toBe(0)
  })

  test('SIGTERM waits for clients to leave, and SIGQUIT ends the wait', async () => {
    const command = new Command('-v', '-p', '0')
    const client = await command.connect()
    command.process.kill('SIGTERM')
    await until('it is shutting down', () => command.stderr.includes('received smart shutdown request'))
    expect((await client.query('select 1 as still')).rows).toEqual([{ still: 1 }])
    command.process.kill('SIGQUIT')
    expect(await command.closed).toBe(0)
    await expect(client.query('select 1')).rejects.toThrow()
  })

  test('SIGTERM waits for as long as --stop-timeout says, and the log names the clients', async () => {
    const command = new Command('-p', '0', '--stop-timeout', '1')
    const client = await command.connect()
    const { rows } = await client
      .query("set application_name = 'stayer'; select pg_backend_pid() as pid")
      .then(results => (results as unknown as pg.QueryResult[])[1]!)
    command.process.kill('SIGTERM')
    expect(await command.closed).toBe(0)
    expect(command.stderr).toMatch(
      new RegExp(
        `waiting for up to 1 s for 1 to disconnect: stayer: postgres@postgres from \\S+ \\(PID ${rows[0].pid}\\)\n`,
      ),
    )
    expect(command.stderr).toContain('1 s are over: disconnecting the clients that are left\n')
    await expect(client.query('select 1')).rejects.toThrow()
  })

  test('SIGTERM without clients logs nothing about a wait', async () => {
    const command = new Command('-p', '0')
    await command.url()
    command.process.kill('SIGTERM')
    expect(await command.closed).toBe(0)
    expect(command.stderr).toBe('')
  })

  test('SIGHUP reloads the configuration', async () => {
    const dataDir = join(folder, 'reload')
    const command = new Command('-q', '-p', '0', '-D', dataDir)
    const client = await command.connect()
    await client.query(`alter system set work_mem = '9MB'`)
    command.process.kill('SIGHUP')
    await until('the setting has changed', async () => {
      return (await client.query('show work_mem')).rows[0].work_mem === '9MB'
    })
    await client.end()
    command.process.kill('SIGINT')
    expect(await command.closed).toBe(0)
  })

  test('postmaster.pid names the process that they go to, for pg_ctl', async () => {
    const dataDir = join(folder, 'pid')
    const command = new Command('-q', '-p', '0', '-D', dataDir)
    await command.url()
    const [pid] = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGINT')
    expect(await command.closed).toBe(0)
  })
})

test.each([
  ['is not there', '/nosuch', 'ENOENT'],
  ['cannot be written to', '/proc', 'ENOENT'],
  ['is a file', '/etc/passwd', 'ENOTDIR'],
])('a temporary directory that %s is told in one line', async (_, TMPDIR, code) => {
  vi.stubEnv('TMPDIR', TMPDIR)
  const command = new Command('-p', '0')
  vi.unstubAllEnvs()
  expect(await command.closed).toBe(1)
  expect(command.stderr).toBe(
    `pglite-imports-server: an ephemeral cluster cannot be made in "${TMPDIR}" (${code}): set TMPDIR to another directory, or name a data directory\n`,
  )
})

describe('an error in a configuration file is reported with file, line and reason', () => {
  test.each([
    ['postgresql.conf', "work_mem = 'much'\n", /^ .*invalid value for parameter "work_mem": "much"/m],
    [
      'postgresql.conf',
      'nonsense nonsense nonsense\n',
      /syntax error in file ".*postgresql.conf" line \d+, near token/,
    ],
    [
      'pg_hba.conf',
      'host all all 127.0.0.1/32 nosuch\n',
      /invalid authentication method "nosuch"[\s\S]*line \d+ of configuration file ".*pg_hba.conf"/,
    ],
  ])('in %s: %s', async (name, line, message) => {
    const dataDir = mkdtempSync(join(folder, 'wrong-'))
    const init = new Command('init', '-D', dataDir)
    expect(await init.closed).toBe(0)
    appendFileSync(join(dataDir, name), line)
    const command = new Command('-p', '0', '-D', dataDir)
    expect(await command.closed).toBe(1)
    expect(command.stderr).toMatch(message)
    expect(command.stderr).not.toMatch(/^ +at /m)
  })
})

test('--help and --version answer without starting anything', async () => {
  const help = new Command('--help')
  expect(await help.closed).toBe(0)
  for (const option of [
    '-D, --data-dir',
    '-p, --port',
    '-h, --host',
    '-k',
    '-c',
    '--max-connections',
    '-q',
    '-v',
  ]) {
    expect(help.stdout).toContain(option)
  }
  const version = new Command('--version')
  expect(await version.closed).toBe(0)
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
