/** The commands beside start: they make, move, dump and restore clusters, and ask and stop servers. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Command, commandLine } from '../fixtures/command.js'
import { type Outcome, run } from '../fixtures/native-programs.js'
import { until } from '../fixtures/until.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'subcommands-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** No psql is installed where nothing is found. */
const start = (args: string[], env: NodeJS.ProcessEnv): ChildProcess =>
  spawn(process.execPath, [commandLine, ...args], { stdio: 'pipe', env: { PATH: '', ...env }, cwd: folder })

const outcome = (...args: string[]): Promise<Outcome> => run(start, args, {})

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await outcome(...args)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

test('status, reload and stop find the server by its data directory', async () => {
  expect(await outcome('status', '-D', 'served')).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/cannot be read: ENOENT.*\n$/),
  })
  const server = new Command('-q', '-p', '0', '-D', join(folder, 'served'))
  const client = await server.connect()
  const port = Number(new URL(await server.url()).port)
  expect(JSON.parse(await output('status', '-D', 'served', '--json'))).toMatchObject({
    ...{ running: true, pid: server.process.pid, state: 'ready', port },
  })
  await client.query(`alter system set work_mem = '9MB'`)
  await output('reload', '-D', 'served')
  await until('the setting has changed', async () => {
    return (await client.query('show work_mem')).rows[0].work_mem === '9MB'
  })
  const { code, stderr } = await outcome('stop', '-D', 'served', '-m', 'smart', '-t', '0')
  expect([code, stderr]).toEqual([1, expect.stringContaining('clients are connected; -m fast disconnects')])
  await output('stop', '-D', 'served')
  expect(await server.closed).toBe(0)
  expect(await outcome('status', '-D', 'served')).toMatchObject({ code: 3, stdout: 'no server runs\n' })
  expect(await outcome('stop', '-D', 'served')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^pglite-imports-server: no server runs on ".*served"\n$/),
  })
})

test('status says that a killed server does not run, though another process has its PID', async () => {
  const server = new Command('-q', '-p', '0', '-D', join(folder, 'killed'))
  await server.url()
  server.process.kill('SIGKILL')
  await server.closed
  // Another process may have its PID by now.
  const lockFile = join(folder, 'killed', 'postmaster.pid')
  writeFileSync(lockFile, readFileSync(lockFile, 'utf8').replace(/^\d+/, String(process.pid)))
  expect(await outcome('status', '-D', 'killed')).toMatchObject({ code: 3 })
})

test('an import that fails leaves no new directory, and an existing one as it was', async () => {
  writeFileSync(join(folder, 'archive'), 'none')
  expect((await outcome('import', '-D', 'not/made', 'archive')).code).toBe(1)
  expect(existsSync(join(folder, 'not'))).toBe(false)
  mkdirSync(join(folder, 'mine'))
  expect((await outcome('import', '-D', 'mine/made', 'archive')).code).toBe(1)
  expect(readdirSync(join(folder, 'mine'))).toEqual([])
})

test('a command line that is too long for a program is refused by one line on stderr', async () => {
  const long = 'x'.repeat(70_000)
  for (const args of [
    ['psql', '-c', long],
    ['init', '-D', 'unmade', '-c', `my.setting=${long}`],
  ])
    expect(await outcome(...args)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^pglite-imports-server: the command line is too long: [^\n]*\n$/),
    })
  expect(existsSync(join(folder, 'unmade'))).toBe(false)
})

test('init prints what initdb prints, and refuses a directory with a cluster', async () => {
  expect(await outcome('init', '-D', 'failed', '-A', 'scram-sha-256')).toMatchObject({
    code: 1,
    stderr:
      'pglite-imports-server: initdb: error: must specify a password for the superuser to enable password authentication\n',
  })
  expect(existsSync(join(folder, 'failed'))).toBe(false)
  await output('init', '-D', 'there')
  expect((await outcome('init', '-D', 'there')).stderr).toMatch(/there" is not empty: name an empty/)
})

describe('with a server that asks for a password', () => {
  let server: Command
  beforeAll(async () => {
    writeFileSync(join(folder, 'password'), 'not shown\n')
    await output('init', '-D', 'cluster', '-A', 'scram-sha-256', '--pwfile', 'password', '-U', 'admin')
    server = new Command('-q', '-p', '0', '-D', join(folder, 'cluster'))
    await server.url()
  })
  const as = (command: string, ...args: string[]) =>
    run(start, [command, '-D', 'cluster', ...args], { PGPASSWORD: 'not shown', PGUSER: 'admin' })

  test('psql and pg_dump end with their own exit codes and messages', async () => {
    expect((await outcome('psql', '-D', 'cluster', '-w')).code).toBe(2)
    expect(await as('psql', '-XAtc', 'select 42')).toEqual({ code: 0, stdout: '42\n', stderr: '' })
    expect((await as('psql', '-Xc', 'selec')).code).toBe(1)
    writeFileSync(join(folder, 'wrong.sql'), 'selec;\nselect 1;')
    expect(await as('psql', '-XAt', '-v', 'ON_ERROR_STOP=1', '-f', 'wrong.sql')).toMatchObject({
      ...{ code: 3, stdout: '' },
    })
    expect(await as('dump', '-t', 'nosuch')).toMatchObject({
      ...{ code: 1, stderr: 'pg_dump: error: no matching tables were found\n' },
    })
  })

  test('restore reads what dump has written, as SQL and as archives; export and import move the whole cluster', async () => {
    await as('psql', '-qc', 'create table moved as select generate_series(1, 100) i')
    const isThere = { code: 0, stdout: '100|5050\n' }
    const question = ['-XAtc', 'select count(*), sum(i) from moved']
    for (const [name, options] of [
      ['sql', []],
      ['archive', ['-Fc']],
      ['zstd archive', ['-Fc', '-Z', 'zstd']],
      ['directory', ['-Fd', '-Z', 'lz4']],
    ] as const) {
      await as('dump', ...options, '-f', name)
      await as('psql', '-qc', 'alter table moved rename to dumped')
      expect(await as('restore', name)).toMatchObject({ code: 0, stderr: '' })
      expect(await as('psql', ...question)).toMatchObject(isThere)
      await as('psql', '-qc', 'drop table dumped')
    }
    expect((await outcome('export', '-D', 'cluster', 'file')).stderr).toMatch(/in use by another server/)
    await output('stop', '-D', 'cluster')
    await server.closed
    await output('export', '-D', 'cluster', 'file')
    expect((await outcome('import', '-D', 'imported', 'nosuch')).stderr).toMatch(
      /^.*cannot read "nosuch": ENOENT.*\n$/,
    )
    await output('import', '-D', 'imported', 'file')
    // Served for the time that it takes.
    expect(
      await run(start, ['psql', '-D', 'imported', ...question], { PGPASSWORD: 'not shown', PGUSER: 'admin' }),
    ).toMatchObject(isThere)
  }, 180_000)
})

test('psql works on a terminal: prompts, Ctrl-C, and passwords that are not shown', async () => {
  const server = new Command('-q', '-p', '0', '-D', join(folder, 'terminal'))
  const watcher = await server.connect()
  // In place of the shell, which Ctrl-C would end as well.
  const command = `exec '${process.execPath}' '${commandLine}' psql -D '${join(folder, 'terminal')}' -X`
  const psql = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], { env: { PATH: '' } })
  let shown = ''
  psql.stdout.on('data', text => {
    shown += text
  })
  /** Types, and waits until the terminal shows this text. */
  const type = async (text: string, expected: RegExp) => {
    shown = ''
    psql.stdin.write(text)
    await until(`there is ${expected} for ${JSON.stringify(text)}`, () => expected.test(shown))
  }
  const prompt = 'postgres=# '
  await type('', new RegExp(prompt))
  await type('select 6 * 7;\n', new RegExp(`42[^]*${prompt}`))
  for (const time of [1, 2]) {
    psql.stdin.write(`select pg_sleep(100), ${time};\n`)
    await until('it runs', async () => {
      const { rows } = await watcher.query(
        `select from pg_stat_activity where pid <> pg_backend_pid() and state = 'active' and query ~ 'sleep.*, ${time};'`,
      )
      return rows.length === 1
    })
    await type('\x03', new RegExp(`canceling statement due to user request[^]*${prompt}`))
    await type('not finished', /not finished/)
    await type('\x03', new RegExp(prompt))
  }
  await type('\\password\n', /Enter new password/)
  await type('hush\n', /Enter it again/)
  expect(shown).not.toContain('hush')
  await type('hush\n', new RegExp(prompt))
  const closed = once(psql, 'close')
  psql.stdin.write('\x04')
  expect((await closed)[0]).toBe(0)
  await watcher.end()
  server.process.kill('SIGINT')
  expect(await server.closed).toBe(0)
}, 180_000)
