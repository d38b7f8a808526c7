/** What the server does to a new cluster before it lets clients in: all of it, or there is no cluster. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { type PostgresServer, type StartServerOptions, startServer } from 'pglite-imports-server'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Command } from '../fixtures/command.js'
import { until } from '../fixtures/until.js'

let folder: string
let number = 0
const running = new Set<PostgresServer>()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'initialise-test-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all([...running].map(server => server.stop()))
  running.clear()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const newName = () => join(folder, String(number++))

function filesWith(contents: Record<string, string | Buffer>): string {
  const place = newName()
  mkdirSync(place)
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(place, name), content)
  return place
}

async function start(options: StartServerOptions): Promise<PostgresServer> {
  const server = await startServer({ port: 0, ...options })
  running.add(server)
  return server
}

async function query(config: pg.ClientConfig | string, text: string): Promise<unknown[][]> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

const STEPS = {
  '1.sql':
    "create table steps (n serial, step text);\n\\set step 'by psql'\ninsert into steps (step) values (:'step');\n",
  '2.sql.gz': gzipSync("insert into steps (step) values ('packed');\n"),
  '3.mjs': 'export default client => client.query("insert into steps (step) values (\'by a module\')")\n',
  'notes.txt': 'not SQL\n',
}

test('files are run in order, in the database, once', async () => {
  const dataDir = newName()
  const options = { dataDir, database: 'my "app"', init: filesWith(STEPS) }
  const server = await start(options)
  const steps = [['by psql'], ['packed'], ['by a module']]
  expect(await query(server.url, 'select step from steps order by n')).toEqual(steps)
  expect(await query(server.url, 'select current_database()')).toEqual([['my "app"']])
  await server.stop()
  running.clear()
  const again = await start(options)
  expect(await query(again.url, 'select step from steps order by n')).toEqual(steps)
})

test('no client is let in before they have been run', async () => {
  const init = filesWith({ '1.sql': 'create table made (); select pg_sleep(2); create table later ();\n' })
  const command = new Command('-v', '-p', '0', '--init', init)
  await until('PostgreSQL listens', () => /port (\d+)/.test(command.stderr))
  const port = Number(/port (\d+)/.exec(command.stderr)![1])
  const client = { host: '127.0.0.1', port, user: 'postgres' }
  expect(await query(client, "select to_regclass('later') is not null")).toEqual([[true]])
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
})

describe('the first error is reported with file and line, and nothing is left of the cluster', () => {
  test.each<[string, string, string | Buffer, RegExp]>([
    ['of SQL', 'bad.sql', 'select 1;\nselect 1 / 0;\n', /bad\.sql:2: ERROR: {2}division by zero$/],
    [
      'of packed SQL',
      'bad.sql.gz',
      gzipSync('\n\nnosense;\n'),
      /bad\.sql\.gz:3: ERROR: {2}syntax error at or near "nosense"/,
    ],
    ['of what is not packed', 'bad.sql.gz', 'select 1;', /bad\.sql\.gz: incorrect header check$/],
    ['of a module', 'bad.mjs', '\nexport default () => {\n  throw new Error("no")\n}\n', /bad\.mjs:3: no$/],
    [
      "of a module's statement",
      'bad.mjs',
      'export default c => c.query("nosense")',
      /bad\.mjs.*: syntax error at or near/,
    ],
    [
      'of a module that exports nothing',
      'bad.mjs',
      '',
      /bad\.mjs: it has no default export that is a function$/,
    ],
  ])('%s', async (_, name, content, message) => {
    const dataDir = newName()
    const init = filesWith({ '0.sql': 'create table t ();', [name]: content, 'z.sql': 'select 1;' })
    await expect(start({ dataDir, init })).rejects.toThrow(message)
    expect(readdirSync(dataDir)).toEqual([])
    rmSync(join(init, name))
    await start({ dataDir, init })
  })
})

test.each([
  ['that are not there', '/nosuch.sql', /cannot run "\/nosuch\.sql": it is not there/],
  ['of another kind', import.meta.filename, /its name must end with \.sql, \.sql\.gz or \.mjs/],
])('files %s are refused before anything is made', async (_, init, message) => {
  const dataDir = newName()
  await expect(start({ dataDir, init })).rejects.toThrow(message)
  expect(existsSync(dataDir)).toBe(false)
})

test('a cluster whose server was killed before they had been run is made anew', async () => {
  const dataDir = newName()
  const init = filesWith({ '1.sql': 'create table t ();\n', '2.sql': 'select pg_sleep(60);\n' })
  const killed = new Command('-p', '0', '-D', dataDir, '--init', init)
  await until('the cluster is there', () => existsSync(join(dataDir, 'postmaster.pid')), 120_000)
  killed.process.kill('SIGKILL')
  await killed.closed
  writeFileSync(join(init, '2.sql'), 'create table second ();\n')
  const server = await start({ dataDir, init })
  expect(await query(server.url, "select to_regclass('t'), to_regclass('second')")).toEqual([['t', 'second']])
  expect(readdirSync(dataDir).filter(name => name.startsWith('.'))).toEqual([])
})

describe('the password', () => {
  test('is for new clusters: an existing one keeps its own, and its rules for asking for it', async () => {
    const dataDir = newName()
    const first = await start({ dataDir, password: 'first', initdbOptions: ['--auth=scram-sha-256'] })
    await first.stop()
    running.clear()
    expect(readFileSync(join(dataDir, 'pg_hba.conf'), 'utf8')).toMatch(/^local +all +all +scram-sha-256$/m)
    const again = await start({ dataDir, password: 'another' })
    const client = { host: '127.0.0.1', port: again.port, user: 'postgres' }
    expect(await query({ ...client, password: 'first' }, 'select 1')).toEqual([[1]])
    await expect(query({ ...client, password: 'another' }, 'select 1')).rejects.toMatchObject({
      code: '28P01',
    })
  })

  test('is known to what is run in a cluster that asks for it locally as well', async () => {
    const init = filesWith(STEPS)
    const options = { init, password: 'secret', database: 'app', initdbOptions: ['--auth=scram-sha-256'] }
    const server = await start({ dataDir: newName(), ...options })
    const url = server.url.replace('@', ':secret@')
    expect(await query(url, 'select count(*)::int from steps')).toEqual([[3]])
  })
})

describe("the Docker image's variables", () => {
  test('count, unless an option says otherwise, and the greeting names them', async () => {
    const dataDir = newName()
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, 'secret\n')
    vi.stubEnv('PGDATA', dataDir)
    vi.stubEnv('PGPORT', '1')
    vi.stubEnv('POSTGRES_USER', 'me')
    vi.stubEnv('POSTGRES_PASSWORD_FILE', passwordFile)
    vi.stubEnv('POSTGRES_DB', 'app')
    vi.stubEnv('POSTGRES_INITDB_ARGS', '--data-checksums "--auth-local=scram-sha-256"')
    vi.stubEnv('POSTGRES_HOST_AUTH_METHOD', 'password')
    const command = new Command('-p', '0', '-c', 'cluster_name=x')
    vi.stubEnv('POSTGRES_INITDB_ARGS', '')
    const url = await command.url()
    expect(new URL(url)).toMatchObject({ username: 'me', pathname: '/app' })
    expect(command.stdout).toContain(`data:              ${dataDir}\n`)
    expect(command.stdout).toMatch(
      /by environment: +PGDATA, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD\n/,
    )
    const asMe = url.replace('me@', 'me:secret@')
    expect(await query(asMe, 'select current_user, current_database()')).toEqual([['me', 'app']])
    const rules = readFileSync(join(dataDir, 'pg_hba.conf'), 'utf8')
    expect(rules).toMatch(/^host +all +all +all +password$/m)
    expect(rules).toMatch(/^local +all +all +scram-sha-256$/m)
    command.process.kill('SIGINT')
    expect(await command.closed).toBe(0)
  })

  test('are refused by name when their value is impossible', async () => {
    vi.stubEnv('PGPORT', 'five')
    const command = new Command()
    expect(await command.closed).toBe(1)
    expect(command.stderr).toBe(
      'pglite-imports-server: PGPORT in the environment must be a port, not "five"\n',
    )
  })
})

test('psql -D makes the cluster that it seeds', async () => {
  const dataDir = newName()
  const seed = join(folder, 'seed.sql')
  writeFileSync(seed, 'create table seeded as select 42 as n;\n')
  const psql = new Command('psql', '-D', dataDir, '-X', '-v', 'ON_ERROR_STOP=1', '-f', seed)
  expect(await psql.closed).toBe(0)
  const server = await start({ dataDir })
  expect(await query(server.url, 'table seeded')).toEqual([[42]])
  const dump = new Command('dump', '-D', newName())
  expect(await dump.closed).toBe(1)
  expect(dump.stderr).toMatch(/cannot be read|holds no PostgreSQL cluster/)
})

test.skipIf(process.platform === 'win32')(
  'the databases of an ephemeral cluster share the files in which they are equal, until one writes',
  async () => {
    const { url, dataDir } = await start({})
    const [[own, name]] = (await query(
      url,
      "select pg_relation_filepath('pg_description'), pg_relation_filepath('pg_type')",
    )) as [[string, string]]
    const inTemplate = (path: string) => join(dataDir, path.replace(/^base\/\d+/, 'base/1'))
    const inode = (path: string) => statSync(path).ino
    expect(inode(join(dataDir, own))).toBe(inode(inTemplate(own)))

    await query(url, 'create table items (id int); checkpoint')
    expect(inode(join(dataDir, name))).not.toBe(inode(inTemplate(name)))
    const found = "select to_regclass('items') is not null"
    expect(await query(url, found)).toEqual([[true]])
    expect(await query(url.replace(/[^/]*$/, 'template1'), found)).toEqual([[false]])
  },
)
