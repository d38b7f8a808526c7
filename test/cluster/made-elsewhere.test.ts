/** Clusters as Debian's packages and PostgreSQL's Docker image make them, with what their configuration names that is not here. */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  lstatSync,
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
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getNativeTree } from '../../bench/native-tree.js'
import { startServer } from '../../dist/server/index.js'
import { configurationFile } from '../../dist/server/made-elsewhere.js'
import { repository } from '../../wasm/build/paths.js'
import { Command } from '../fixtures/command.js'
import { ServerProcess } from '../fixtures/server.js'
import { SharedDirectory } from '../fixtures/shared-directory.js'

vi.setConfig({ testTimeout: 60_000 })

/** Docker's volumes belong to this user, who does not exist here. */
const OWNER = 54_321

let folder: string
const directories: SharedDirectory[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'made-elsewhere-test-'))
  spawnSync('chmod', ['755', folder])
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  for (const directory of directories) directory.remove()
})

/** A cluster by pg_createcluster, with its two folders where this machine has them as Debian has its own. */
async function debianCluster(): Promise<{ data: string; etc: string; configuration: string }> {
  const tree = await getNativeTree()
  const name = `test${process.pid}`
  const inTree = (program: string, ...args: string[]) => {
    const { status, stderr } = spawnSync('chroot', [tree.root, program, '18', name, ...args], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${program}: ${stderr}`)
  }
  inTree('pg_createcluster')
  const [data, etc] = [join(folder, 'debian'), join(folder, 'etc')]
  cpSync(join(tree.root, `var/lib/postgresql/18/${name}`), data, { recursive: true })
  cpSync(join(tree.root, `etc/postgresql/18/${name}`), join(etc, name), { recursive: true })
  inTree('pg_dropcluster')
  const configuration = join(etc, name, 'postgresql.conf')
  const text = readFileSync(configuration, 'utf8')
    .replaceAll(`/etc/postgresql/18/${name}`, join(etc, name))
    .replaceAll(`/var/lib/postgresql/18/${name}`, data)
    .replaceAll('/var/run/postgresql', join(folder, 'run'))
    .replaceAll('/etc/ssl', join(folder, 'ssl'))
  writeFileSync(configuration, text)
  writeFileSync(join(etc, name, 'conf.d', 'own.conf'), "work_mem = '9MB'\n")
  return { data, etc, configuration }
}

test("Debian's cluster starts with its configuration, by whose rules its user gets in from within", async () => {
  const { data, etc, configuration } = await debianCluster()
  const missing = new Command('-D', data, '-p', '0')
  expect(await missing.closed).toBe(1)
  expect(missing.stderr).toMatch(/^[^\n]*debian" has no postgresql.conf: Debian's packages keep it[^\n]*\n$/)
  expect(configurationFile(data, etc)).toBe(configuration)

  const log: string[] = []
  const settings = { config_file: configuration, fsync: false }
  const start = () => startServer({ dataDir: data, port: 0, settings, log: line => void log.push(line) })
  const server = await start()
  const as = async (user: string) => {
    const client = new pg.Client({ stream: () => server.connect(), user, database: 'postgres' })
    await client.connect()
    return client
  }
  const client = await as('postgres')
  const of = async (name: string) => (await client.query(`show ${name}`)).rows[0][name]
  expect([await of('work_mem'), await of('ssl')]).toEqual(['9MB', 'off'])
  expect(await of('cluster_name')).toBe(`18/test${process.pid}`)
  expect(await of('data_directory')).toBe(data)
  await client.query("create role somebody login password 'secret'")
  await client.end()
  await expect(as('somebody')).rejects.toThrow('Peer authentication failed for user "somebody"')
  const address = { host: '127.0.0.1', port: server.port }
  const login = (password: string) =>
    new pg.Client({ ...address, user: 'somebody', password, database: 'postgres' }).connect()
  await expect(login('wrong')).rejects.toThrow('password authentication failed')
  await server.stop()
  const notes = log.filter(line => line.includes('does not apply'))
  expect(notes).toEqual([
    expect.stringMatching(/^unix_socket_directories = '.*run' does not apply here: there is no folder .*run/),
    expect.stringMatching(
      /^ssl = 'on' does not apply here: ".*snakeoil.pem" cannot be read; so there is no TLS/,
    ),
  ])
})

/** What people's configurations have, and the reason that a line gives. */
const ASKED = {
  dynamic_shared_memory_type: ['posix', /memory of one program$/],
  huge_pages: ['on', /no huge pages/],
  jit: ['on', /not compiled/],
  io_method: ['io_uring', /worker/],
  shared_buffers: ['16GB', /4 GiB .* 1GB$/],
  shared_preload_libraries: ['timescaledb,pg_stat_statements', /no timescaledb in this package/],
  session_preload_libraries: ['nowhere', /no nowhere/],
  unix_socket_directories: ['/nowhere/run/postgresql', /no folder/],
  ssl: ['on', /outside of the data directory.* no TLS/],
  log_destination: ['syslog', /stderr/],
  syslog_facility: ['LOCAL0', /stderr/],
  max_stack_depth: ['7MB', /room for 3956kB each/],
  min_dynamic_shared_memory: ['8GB', /4 GiB/],
  logging_collector: ['on', /stderr/],
  archive_mode: ['on', /archive_command = 'wal-g wal-push %p', .* nothing is archived/],
  recovery_init_sync_method: ['syncfs', /fsync/],
  data_directory: ['/var/lib/postgresql/data', /was given/],
  hba_file: ['/etc/postgresql/pg_hba.conf', /pg_hba.conf" counts$/],
} as const

test("Docker's cluster starts with what applies, and one line says what each other setting comes to", async () => {
  const directory = await SharedDirectory.make('native')
  directories.push(directory)
  const file = join(directory.path, 'postgresql.conf')
  const native = readFileSync(file, 'utf8')
  const asked = Object.entries(ASKED).map(([name, [value]]) => `${name} = '${value}'\n`)
  appendFileSync(
    file,
    [
      ...asked,
      "ssl_cert_file = '/etc/ssl/certs/server.pem'\n",
      "archive_command = 'wal-g wal-push %p'\n",
      "max_connections = 500\ntimescaledb.max_background_workers = 8\nlisten_addresses = 'localhost'\nwork_mem = '9MB'\n",
    ].join(''),
  )
  appendFileSync(join(directory.path, 'pg_hba.conf'), 'host all all all scram-sha-256\n')
  spawnSync('chown', ['-R', '0', directory.path])
  const server = await ServerProcess.start({ args: ['-D', directory.path, '-c', 'fsync=off'] })
  const client = await server.connect()
  await client.query('create table kept as select 42 as answer')
  expect((await client.query('show work_mem')).rows).toEqual([{ work_mem: '9MB' }])
  expect((await client.query('show shared_preload_libraries')).rows[0].shared_preload_libraries).toBe(
    'pg_stat_statements',
  )
  await server.endClients()
  expect(await server.stop()).toBe(0)
  const lines = server.log.split('\n').filter(line => line.includes('does not apply here'))
  expect(lines.length).toBe(asked.length)
  for (const [name, [value, reason]] of Object.entries(ASKED))
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^${name} = '${value}' does not apply here: .*${reason.source}`)),
    )
  writeFileSync(file, native)
  const other = await directory.start('native')
  expect((await (await other.connect()).query('table kept')).rows).toEqual([{ answer: 42 }])
  await other.stop()
})

test('a file outside that SQL could have named is not read', async () => {
  const dataDir = join(folder, 'own')
  await (await startServer({ dataDir, port: 0 })).stop()
  writeFileSync(join(folder, 'secret'), 'local all all trust\n')
  appendFileSync(join(dataDir, 'postgresql.conf'), `hba_file = '${join(folder, 'secret')}'\n`)
  const server = await startServer({ dataDir, port: 0 })
  const client = new pg.Client(server.url)
  await client.connect()
  expect((await client.query('show hba_file')).rows).toEqual([{ hba_file: join(dataDir, 'pg_hba.conf') }])
  await expect(client.query(`select pg_read_file('${join(folder, 'secret')}')`)).rejects.toThrow(
    'Permission denied',
  )
  await client.end()
  await server.stop()
})

/** The owner has to read the package. */
const everybodyReads = (path: string): boolean =>
  path === '/' || ((statSync(path).mode & 0o5) === 5 && everybodyReads(join(path, '..')))

test.skipIf(process.getuid!() !== 0 || !everybodyReads(repository))(
  "a message names the owner of another user's directory; --as-owner leaves it to him",
  async () => {
    const data = join(folder, 'foreign')
    mkdirSync(data)
    cpSync(join(folder, 'own'), data, { recursive: true })
    spawnSync('chown', ['-R', `${OWNER}:${OWNER}`, data])
    const asRoot = new Command('-D', data, '-p', '0', '--run', 'true')
    expect(await asRoot.closed).toBe(0)
    expect(asRoot.stderr).toMatch(/foreign" belongs to user 54321, and new files in it will belong to root/)
    spawnSync('chown', ['-R', `${OWNER}:${OWNER}`, data])

    const by = ['setpriv', '--reuid=54322', '--regid=54322', '--clear-groups']
    await expect(ServerProcess.start({ by, args: ['-D', data] })).rejects.toThrow(
      /is not accessible: it belongs to user 54321, and this is user 54322: run this as that user \(sudo -u '#54321'/,
    )
    await expect(ServerProcess.start({ by, args: ['-D', data, '--as-owner'] })).rejects.toThrow(
      /only root can run as user 54321/,
    )
    const server = await ServerProcess.start({ args: ['-D', data, '--as-owner'] })
    const client = await server.connect()
    await client.query('create table t as select generate_series(1, 1000) i; checkpoint')
    await server.endClients()
    expect(await server.stop()).toBe(0)
    const names = readdirSync(data, { recursive: true, encoding: 'utf8' })
    expect(names.filter(name => lstatSync(join(data, name)).uid !== OWNER)).toEqual([])
  },
)
