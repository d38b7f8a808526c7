/**
 * docs/moving.md: its commands move clusters. Native PostgreSQL 18 is at the other end. What Docker and systemd do is to start and stop it on
 * its directory, and so does the test.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { getNativeTree, type NativeTree } from '../../bench/native-tree.js'
import { freePort } from '../../bench/system.js'
import { blocksBelow, DocumentedCommands, type Surroundings } from '../fixtures/documented-commands.js'
import { initNative, type NativeServer, startNativeOn } from '../fixtures/native-server.js'

vi.setConfig({ testTimeout: 60_000 })

const NATIVE = '/usr/lib/postgresql/18/bin'

let tree: NativeTree
/** A folder for each test, as the tree's programs see it. */
let inside: string
let folder: string
let commands: DocumentedCommands
/** Those that run. */
const natives = new Set<NativeServer>()
let made = 0

beforeAll(async () => {
  tree = await getNativeTree()
  mkdirSync(join(tree.root, 'run/postgresql'), { recursive: true, mode: 0o777 })
})
beforeEach(() => {
  inside = tree.makeDirectory(`moving-${process.pid}-${made++}`)
  folder = join(tree.root, inside)
})
afterEach(async () => {
  await commands.close()
  for (const native of natives) await native.kill().catch(() => {})
  natives.clear()
  tree.removeDirectory(inside)
})
afterAll(() => {
  for (const place of ['var/lib/postgresql/18', 'etc/postgresql/18'])
    for (const name of ['moved', `t${process.pid}`])
      rmSync(join(tree.root, place, name), { recursive: true, force: true })
})

/** Programs of the tree, as its user postgres, in the test's folder. */
const inTree = (program: string, user = 'postgres') =>
  `${program.split('/').at(-1)}() { chroot --userspec=${user} ${tree.root} env -C ${inside} LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin ${program} "$@"; }`

async function prepare(given: Partial<Surroundings> = {}): Promise<number> {
  const port = await freePort()
  const other = String(await freePort())
  const functions = [
    ...['pg_basebackup', 'pg_ctl', 'pg_dump', 'pg_restore'].map(name => inTree(`${NATIVE}/${name}`)),
    inTree('/usr/bin/pg_createcluster', 'root'),
  ].join('\n')
  commands = new DocumentedCommands({
    folder,
    port,
    functions,
    ...given,
    names: { '-h here.example.com': `-h 127.0.0.1 -p ${port}`, '5433': other, ...given.names },
  })
  return port
}

/** What db.example.com stands for. */
const at = ({ port }: { port: number }) => ({
  '@db.example.com': `@127.0.0.1:${port}`,
  '-h db.example.com': `-h 127.0.0.1 -p ${port}`,
  'host=db.example.com': `host=127.0.0.1 port=${port}`,
})

const native = (name: string, settings: Record<string, string> = {}) => started(`${inside}/${name}`, settings)

async function started(directory: string, settings: Record<string, string>): Promise<NativeServer> {
  const server = await startNativeOn(tree, directory, settings)
  natives.add(server)
  const stop = async () => {
    natives.delete(server)
    await server.stop()
  }
  return { ...server, stop }
}

/** A native cluster in the test's folder. */
async function makeNative(name: string, settings: Record<string, string> = {}): Promise<NativeServer> {
  mkdirSync(join(folder, name), { mode: 0o700 })
  spawnSync('chroot', [tree.root, 'chown', 'postgres', `${inside}/${name}`])
  await initNative(tree, `${inside}/${name}`)
  return native(name, settings)
}

async function query(port: number, text: string, database = 'postgres'): Promise<unknown[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const FILL =
  "create table goods (id serial primary key, name text); insert into goods (name) values ('a'), ('b')"
const GOODS = 'select count(*)::int as n from goods'
const has = (n: number) => [{ n }]

/** A cluster of this server in the folder `data`, with goods in it. */
async function makeOwn(database = 'postgres'): Promise<void> {
  const create =
    database === 'postgres'
      ? ''
      : `npx pglite-imports-server psql -D data -qc "create database ${database}"\n`
  await commands.run(`${create}npx pglite-imports-server psql -D data -d ${database} -qc "${FILL}"`)
}

test('on the same directory: Docker', async () => {
  const [there, back] = blocksBelow('docs/moving.md', 'On the same directory: Docker')
  let container = await makeNative('volume')
  await query(container.port, FILL)
  const port = await prepare({
    // Users other than root cannot read a tree below root's home.
    names: { '/srv/volume/18/docker': 'volume', ' --as-owner': '' },
    instead: [
      [/^docker stop db$/, () => container.stop()],
      [
        /^docker run -d --name db -p 5432:5432 -v \.\/(\w+):\/var\/lib\/postgresql\/18\/docker postgres:18 -c (\w+)='(.*)'$/,
        async ([, name, setting, value]) => {
          container = await native(name!, { [setting!]: value! })
        },
      ],
    ],
  })
  await commands.run(there!)
  await query(port, "insert into goods (name) values ('c')")
  expect(await query(port, GOODS)).toEqual(has(3))
  await commands.interrupt()
  container = await native('volume')
  expect(await query(container.port, GOODS)).toEqual(has(3))

  await makeOwn()
  await commands.run(back!)
  expect(await query(container.port, GOODS)).toEqual(has(2))
  const rules = 'select auth_method as n from pg_hba_file_rules where error is not null or address = $$all$$'
  expect(await query(container.port, rules)).toEqual([{ n: 'scram-sha-256' }])
  expect(
    await query(
      container.port,
      "select rolpassword is not null as n from pg_authid where rolname = 'postgres'",
    ),
  ).toEqual([{ n: true }])
})

test('on the same directory: Debian', async () => {
  const [there, back] = blocksBelow('docs/moving.md', 'On the same directory: Debian')
  const name = `t${process.pid}`
  const data = `/var/lib/postgresql/18/${name}`
  const configuration = (of: string) => `/etc/postgresql/18/${of}/postgresql.conf`
  const start = (of: string) => started(`/var/lib/postgresql/18/${of}`, { config_file: configuration(of) })
  let service: NativeServer | undefined
  const port = await prepare({
    names: {
      ' --as-owner': ` -c config_file=${tree.root}${configuration(name)}`,
      '/var/lib/postgresql/18/main': join(tree.root, data),
      'postgresql@18-main': `postgresql@18-${name}`,
      'cp -a data /var': `cp -a data ${tree.root}/var`,
    },
    instead: [
      [/^sudo systemctl stop postgresql@18-\w+$/, () => service!.stop()],
      [
        /^sudo systemctl start postgresql@18-(\w+)$/,
        async ([, of]) => {
          service = await start(of!)
        },
      ],
      [
        /^sudo chown -R postgres:postgres (\S+)$/,
        async ([, path]) => {
          spawnSync('chroot', [tree.root, 'chown', '-R', 'postgres', path!])
        },
      ],
    ],
  })
  await commands.run(`pg_createcluster 18 ${name} -- --auth-host=trust`)
  service = await start(name)
  await query(service.port, FILL)
  await commands.run(there!)
  await query(port, "insert into goods (name) values ('c')")
  await commands.interrupt()
  service = await start(name)
  expect(await query(service.port, GOODS)).toEqual(has(3))

  await makeOwn()
  await commands.run(back!)
  expect(await query(service.port, GOODS)).toEqual(has(2))
  expect(await query(service.port, 'show config_file')).toEqual([{ config_file: configuration('moved') }])
})

test('by a copy', async () => {
  const [there, back] = blocksBelow('docs/moving.md', 'By a copy')
  const origin = await makeNative('origin')
  await query(origin.port, FILL)
  const port = await prepare({ names: at(origin) })
  await commands.run(there!)
  expect(await query(port, GOODS)).toEqual(has(2))
  await commands.run(back!)
  expect(await query(portOf('5433'), GOODS)).toEqual(has(2))
  await commands.run('pg_ctl -D native -m fast -w stop')
})

test('by a standby and promotion', async () => {
  const [follow, promote, back] = blocksBelow('docs/moving.md', 'By a standby and promotion')
  const origin = await makeNative('origin')
  await query(origin.port, FILL)
  const port = await prepare({ names: at(origin) })
  await commands.run(follow!)
  await query(origin.port, "insert into goods (name) values ('c')")
  const [lag, promotion] = promote!.trim().split('\n')
  await commands.runUntil(lag!, '0')
  await origin.stop()
  await commands.run(promotion!)
  await query(port, "insert into goods (name) values ('d')")
  await commands.run(back!)
  await query(portOf('5433'), "insert into goods (name) values ('e')")
  expect(await query(portOf('5433'), GOODS)).toEqual(has(5))
  await commands.run('pg_ctl -D native -m fast -w stop')
})

test('by a dump', async () => {
  const [there, back] = blocksBelow('docs/moving.md', 'By a dump')
  const managed = await makeNative('managed')
  await query(managed.port, 'create database app')
  await query(managed.port, FILL, 'app')
  await prepare({ names: at(managed) })
  await commands.run(there!)
  await commands.run(
    'npx pglite-imports-server psql -D data -d app -c "insert into goods (name) select name from goods"',
  )
  await query(managed.port, 'drop table goods', 'app')
  await commands.run(back!)
  expect(await query(managed.port, GOODS, 'app')).toEqual(has(4))
})

test('by logical replication', async () => {
  const [begin, wait, end] = blocksBelow('docs/moving.md', 'By logical replication')
  const managed = await makeNative('managed', { wal_level: 'logical' })
  await query(managed.port, 'create database app')
  await query(managed.port, FILL, 'app')
  const port = await prepare({ names: at(managed) })
  await commands.run(begin!)
  const [copied, confirmed] = wait!.trim().split('\n')
  await commands.runUntil(copied!, '0')
  await query(managed.port, "insert into goods (name) values ('c')", 'app')
  await commands.runUntil(confirmed!, '0')
  await commands.run(end!)
  await query(port, "insert into goods (name) values ('d')", 'app')
  expect(await query(port, 'select max(id)::int as n from goods', 'app')).toEqual(has(4))
})

test('PGlite', async () => {
  const [there, back] = blocksBelow('docs/moving.md', 'PGlite')
  const pglite = await PGlite.create(join(folder, 'pglite'))
  await pglite.exec(FILL)
  await pglite.close()
  await prepare()
  await commands.run(there!)
  await commands.close()
  await commands.run(
    'npx pglite-imports-server psql -D data -c "insert into goods (name) select name from goods"',
  )
  rmSync(join(folder, 'pglite'), { recursive: true })
  await commands.run(back!)
  await commands.close()
  const again = await PGlite.create(join(folder, 'pglite'))
  expect((await again.query(GOODS)).rows).toEqual(has(4))
  await again.close()
})

/** The port that stands for this one. */
function portOf(name: string): number {
  return Number(commands.surroundings.names[name])
}
