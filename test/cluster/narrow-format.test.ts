/** Clusters of PGlite, whose format is that of 32-bit servers, are converted, and are what a dump and restore makes of them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_hashids } from '@electric-sql/pglite-pg_hashids'
import { pg_textsearch } from '@electric-sql/pglite-pg_textsearch'
import { pg_uuidv7 } from '@electric-sql/pglite-pg_uuidv7'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import pg from 'pg'
import { PGlite as PGlite0517 } from 'pglite-0.5.17'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../bench/system.js'
import { importDataDirectory, startServer } from '../../dist/server/index.js'
import { Command } from '../fixtures/command.js'
import { contentsOf, requireSound } from '../fixtures/contents.js'
import { connectionTo, program18, run } from '../fixtures/native-programs.js'
import { SharedDirectory } from '../fixtures/shared-directory.js'

vi.setConfig({ testTimeout: 120_000 })

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'narrow-format-test-'))
})
const directories: SharedDirectory[] = []
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  for (const directory of directories) directory.remove()
})

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')

/** Runs a program of PostgreSQL 18 to its end, and returns what it has printed. */
async function native(name: 'psql' | 'pg_dump', port: number, args: string[], input = ''): Promise<string> {
  const env = { ...connectionTo({ port }), PGOPTIONS: '', PGSSLMODE: 'disable' }
  const { code, stdout, stderr } = await run(await program18(name), args, env, input)
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`)
  return stdout
}

const psql = (port: number, text: string) =>
  native('psql', port, ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-'], text)
/** Without the random key that each dump has. */
const dump = async (port: number, ...args: string[]) =>
  (await native('pg_dump', port, args)).replace(/^\\(un)?restrict .*$/gm, '')

/** Serves a directory of PGlite's, by either version, while `use` runs. */
async function served<T>(db: PGlite, use: (port: number) => Promise<T>): Promise<T> {
  const port = await freePort()
  const server = new PGLiteSocketServer({ db, port, host: '127.0.0.1', maxConnections: 10 })
  await server.start()
  try {
    return await use(port)
  } finally {
    await server.stop()
    await db.close()
  }
}

async function on<T>(dataDir: string, use: (client: pg.Client, port: number) => Promise<T>): Promise<T> {
  const server = await startServer({ dataDir, port: 0, settings: { fsync: false } })
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    return await use(client, server.port)
  } finally {
    await client.end()
    await server.stop()
  }
}

/** What differs between the formats, of what initdb makes. */
const INITIAL = [
  'select oid::int, typname, typlen, typbyval, typalign from pg_type where oid < 12000 order by 2, 1',
  'select attrelid::regclass::text, attname, attlen, attbyval, attalign, attoptions from pg_attribute where attrelid < 12000 order by 1, 2',
  "select ev_class::regclass::text, ev_action::text from pg_rewrite where ev_class < 16384 and ev_class::regclass::text !~ 'information_schema' order by 1, rulename",
]
const initial = async (client: pg.Client) => {
  const found: unknown[] = []
  for (const query of INITIAL) found.push((await client.query(query)).rows)
  return found
}

/** The constants in stored expressions, with the bytes of their values; but no OIDs of objects, which differ from cluster to cluster. */
async function constantsOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ query: string }>(`
    select format('select %I::text as tree from %s where %1$I is not null', attname, attrelid::regclass) as query
    from pg_attribute a join pg_class c on c.oid = attrelid
    where atttypid = 'pg_node_tree'::regtype and relkind = 'r' and relnamespace = 'pg_catalog'::regnamespace`)
  const constants: string[] = []
  for (const { query } of rows)
    for (const { tree } of (await client.query<{ tree: string }>(query)).rows)
      for (const [, type, byValue, value] of tree.matchAll(
        /\{CONST :consttype (\d+) .*?:constbyval (\w+) .*?:constvalue (<>|\d+ \[ [-\d ]+\])/g,
      ))
        if (Number(type) < 12_000 && !OBJECTS.includes(Number(type)))
          constants.push(`${type} ${byValue} ${value}`)
  return constants.sort()
}

/** regclass and regconfig. */
const OBJECTS = [2205, 3734]

describe.each([
  ['0.5.14', PGlite],
  ['0.5.17', PGlite0517 as unknown as typeof PGlite],
])('a directory of PGlite %s', (version, Implementation) => {
  test('is imported as if it had been dumped and restored', async () => {
    const narrow = join(folder, version)
    const dumped = await served(await Implementation.create(narrow), async port => {
      await psql(port, fixture('stored-constants.sql'))
      await psql(port, fixture('every-kind-of-object.sql').replace(/^create subscription .*\n/m, ''))
      // PGlite 0.5.17 dumps options of columns that PostgreSQL does not have.
      return (await dump(port, '--inserts')).replace(/^ALTER .*\(pg_attver=\d+\);$/gm, '')
    })
    const before = readdirSync(narrow, { recursive: true }).length
    const directory = await SharedDirectory.empty()
    directories.push(directory)
    const wide = directory.path
    const command = new Command('import', '-D', wide, narrow)
    expect([await command.closed, command.stderr]).toEqual([0, ''])
    expect(readdirSync(narrow, { recursive: true }).length).toBe(before)

    const restored = join(folder, `${version}-restored`)
    const expected = await on(restored, async (client, port) => {
      const fresh = await initial(client)
      await client.query('create role shop_reader')
      await psql(port, dumped)
      return {
        ...{ fresh, contents: await contentsOf(client), dump: await dump(port) },
        constants: await constantsOf(client),
      }
    })
    expect(expected.constants.length).toBeGreaterThan(500)
    await on(wide, async (client, port) => {
      expect(await initial(client)).toEqual(expected.fresh)
      expect(await constantsOf(client)).toEqual(expected.constants)
      await requireSound(client)
      await client.query('drop extension amcheck')
      expect(await dump(port)).toBe(expected.dump)
      expect(await contentsOf(client)).toEqual(expected.contents)
      await client.query(`
        set search_path = stored; insert into facts (id, degree) values (-5, -4); update facts set ratio = 0 where id = 7;
        insert into by_range values (0, '2024-01-01', 1); insert into by_list values (5000000000); analyze`)
      await client.query('create database later')
      expect((await client.query('select id, amount, sizes, twice from facts where id = -5')).rows).toEqual([
        { id: '-5', amount: '11', sizes: ['1', '-1'], twice: '-13' },
      ])
      await expect(client.query('insert into facts (id, amount) values (1000, 4)')).rejects.toThrow(
        /amount_check/,
      )
      await expect(client.query('insert into by_list values (1)')).rejects.toThrow(/no partition/)
      expect((await client.query('select id, scaled(1) from recent where id = 7')).rows).toEqual([
        { id: '7', scaled: '-12345676899' },
      ])
      expect((await client.query('explain (costs off) select from by_range where id = -10')).rows[0]).toEqual(
        {
          'QUERY PLAN': 'Seq Scan on by_range_low by_range',
        },
      )
    })
  })
})

test("PGlite's own archive is imported as well", async () => {
  const db = await PGlite.create()
  await db.exec(
    'create table kept as select 5000000000 as big; create view v as select big + 1::int8 as more from kept',
  )
  const archive = (await db.dumpDataDir('gzip')) as Blob
  await db.close()
  const dataDir = join(folder, 'archive')
  await importDataDirectory(dataDir, archive.stream() as ReadableStream<Uint8Array>)
  await on(dataDir, async client => {
    expect((await client.query('table v')).rows).toEqual([{ more: '5000000001' }])
  })
})

test('extensions that are not here are named, and everything else is served', async () => {
  const narrow = join(folder, 'extensions')
  const db = await PGlite.create(narrow, { extensions: { pg_hashids, pg_textsearch, pg_uuidv7 } })
  await db.exec(`
    create extension pg_hashids; create extension pg_textsearch; create extension pg_uuidv7;
    create table item (id uuid default uuid_generate_v7(), hash text default id_encode(7), name text);
    insert into item (name) values ('kept');
    create table document (a int, b int, body text);
    insert into document select i, i, 'postgres' from generate_series(1, 100) i;
    create index on document using bm25 (body) with (text_config = 'english');
    create statistics on a, b from document;
    analyze document;`)
  await db.close()
  const dataDir = join(folder, 'without-extensions')
  const command = new Command('import', '-D', dataDir, narrow)
  expect(await command.closed).toBe(0)
  const notes = command.stderr.trim().split('\n')
  expect(notes).toEqual(
    ['pg_hashids', 'pg_textsearch', 'pg_uuidv7'].map(name =>
      expect.stringMatching(
        `^pglite-imports-server: database "postgres" has the extension ${name}, which is not in this package: `,
      ),
    ),
  )
  const log: string[] = []
  const server = await startServer({ dataDir, port: 0, log: line => void log.push(line) })
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    expect((await client.query('select name, length(hash) as length from item')).rows).toEqual([
      { name: 'kept', length: 2 },
    ])
    await expect(client.query('insert into item (name) values (1)')).rejects.toThrow(
      /could not access file "pg_(uuidv7|hashids)"/,
    )
    await client.query('drop extension pg_uuidv7 cascade; drop extension pg_hashids cascade')
    await client.query(`insert into item (name) values ('new')`)
    // PostgreSQL asks the method of each index before it reads a table.
    await expect(client.query('table document')).rejects.toThrow('could not access file "pg_textsearch"')
  } finally {
    await client.end()
    await server.stop()
  }
  expect(log).toContainEqual(
    expect.stringMatching(
      /^shared_preload_libraries = 'pg_textsearch' does not apply here: there is no pg_textsearch/,
    ),
  )
})

test('what cannot be converted is left alone, and nothing is made', async () => {
  const narrow = join(folder, 'open')
  const db = await PGlite.create(narrow)
  await db.exec('create table t as select 1::int8 as i')
  await db.close()
  const imported = async (...args: string[]) => {
    const command = new Command('import', '-D', join(folder, 'none'), ...args)
    const code = await command.closed
    expect(existsSync(join(folder, 'none'))).toBe(false)
    return [code, command.stderr]
  }
  expect(await imported(narrow, '-U', 'nobody')).toEqual([
    1,
    expect.stringMatching(/converted: .*role "nobody" does not exist/),
  ])
  writeFileSync(join(narrow, 'pg_twophase', '0000000000000001'), '')
  expect(await imported(narrow)).toEqual([1, expect.stringMatching(/has prepared transactions/)])
  expect(await imported(folder)).toEqual([1, expect.stringMatching(/" holds no PostgreSQL cluster\n$/)])
  const running = new Command('-D', join(folder, 'running'), '-p', '0')
  await running.url()
  expect(await imported(join(folder, 'running'))).toEqual([
    1,
    expect.stringMatching(/in use by another server \(PID/),
  ])
  running.process.kill('SIGINT')
  await running.closed
})
