/** A new cluster leaves what is as in the template there, and stays readable when the package has another template. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { dist } from '../../wasm/build/paths.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const TABLES = ['file', 'name', 'page', 'change', 'server', 'template', 'leaning']

/** How many rows the server's tables have, and how many bytes of contents. */
async function stored(object: string): Promise<{ rows: number; bytes: number }> {
  const all = "select name from sqlite_master where name like 'postgres_%'"
  const names = (await runtime.do<{ name: string }[]>(object, { type: 'storage', sql: all })).map(
    row => row.name,
  )
  const there = TABLES.filter(table => names.includes(`postgres_${table}`))
  const counts = there.map(table => `(select count(*) from postgres_${table})`).join(' + ')
  const bytes = there
    .filter(table => table === 'page' || table === 'template')
    .map(table => `(select sum(length(bytes)) from postgres_${table})`)
    .join(' + ')
  const sql = `select ${counts} as "rows", ${bytes} as bytes`
  return (await runtime.do<{ rows: number; bytes: number }[]>(object, { type: 'storage', sql }))[0]!
}

test('the template that a storage keeps is that of all hosts, and its hash says so', () => {
  const compressed = readFileSync(join(dist, 'template.br.bin'))
  expect(brotliDecompressSync(compressed).equals(readFileSync(join(dist, 'template.bin')))).toBe(true)
  const hash = createHash('sha256').update(compressed).digest('hex')
  expect(readFileSync(join(dist, 'module.js'), 'utf8')).toContain(`hash: '${hash}'`)
})

const RUNNING =
  "select name from postgres_name where name like 'postmaster.%' or name like '%.init' or name like 'config_exec%'"

test('a new cluster has less than 40 rows and 0.9 MB in the storage, also after it was suspended', async () => {
  const object = 'durable-small'
  await runtime.query(object, 'a', 'select 1')
  const { rows, bytes } = await stored(object)
  expect(rows).toBeLessThan(40)
  expect(bytes).toBeLessThan(900_000)
  expect(await runtime.do(object, { type: 'storage', sql: RUNNING })).toEqual([])
  await runtime.do(object, { type: 'end', session: 'a' })
  await until('the server is suspended', async () => (await runtime.do(object, { type: 'memory' })) === 0)
  const after = await stored(object)
  expect(after.rows).toBeLessThan(40)
  expect(after.bytes).toBeLessThan(900_000)
})

test("the server's own files, which all objects share, cannot be changed", async () => {
  await expect(
    runtime.query('durable-writer', 'a', "copy (select 1) to '/pgsql/share/timezonesets/mine'"),
  ).rejects.toThrow('Read-only file system')
})

test('each cluster has an identity of its own', async () => {
  const identify = 'select system_identifier::text from pg_control_system()'
  const objects = ['durable-one', 'durable-other', 'durable-whole-other']
  const identifiers = await Promise.all(objects.map(object => runtime.query(object, 'a', identify)))
  expect(new Set(identifiers.map(rows => rows[0]!.system_identifier)).size).toBe(objects.length)
})

const CHECKS = [
  'select count(*)::int as relations, sum(hashtext(relname))::text as names from pg_class where oid < 16384',
  'select count(*)::int as procedures, sum(hashtext(prosrc))::text as sources from pg_proc where oid < 16384',
  "select bt_index_check(indexrelid) from pg_index where indrelid in ('pg_class'::regclass, 'pg_proc'::regclass)",
  'select (select array_agg(id) from changed) as changed, (select count(*)::int from grown) as grown',
]

async function checked(object: string): Promise<unknown[]> {
  const results: unknown[] = []
  for (const sql of CHECKS) results.push(await runtime.query(object, 'a', sql))
  return results
}

/** Uses all that a file can be which leans on the template: changed, made shorter, copied, removed, grown again. */
async function use(object: string): Promise<void> {
  for (const sql of [
    'create extension amcheck',
    'create table changed (id int); insert into changed values (1)',
    'create table grown as select generate_series(1, 1000) as id',
    'vacuum full pg_class',
    'alter function pg_catalog.pg_table_size(regclass) cost 7',
    'create table gone (id int); drop table gone',
    "comment on table changed is 'a comment'",
    'vacuum full pg_description',
    'create database copied strategy file_copy',
    'drop database copied',
    'create database kept strategy file_copy',
  ])
    await runtime.query(object, 'a', sql)
}

test('it is the same after kills, and for a later version with another template', async () => {
  const object = 'durable-leaning'
  await use(object)
  const before = await checked(object)
  await runtime.kill()
  await runtime.start()
  expect(await checked(object)).toEqual(before)
  await runtime.kill()
  await runtime.start()
  // The other version's own template has zeros in these files, so nothing can come from there.
  expect(await checked(`${object}?other`)).toEqual(before)
  await runtime.query(`${object}?other`, 'a', 'insert into changed values (2)')
  await runtime.query(`${object}?other`, 'a', 'vacuum full pg_proc')
  const after = await checked(`${object}?other`)
  await runtime.do(`${object}?other`, { type: 'stop' })
  await runtime.kill()
  await runtime.start()
  expect(await checked(object)).toEqual(after)
}, 300_000)

test('it can be exported where no server has run, and backed up while it changes', async () => {
  const object = 'durable-leaving'
  await use(object)
  const before = await checked(object)
  const backup = await (await runtime.backup(object)).arrayBuffer()
  await runtime.do(object, { type: 'stop' })
  await runtime.kill()
  await runtime.start()
  const archive = new Uint8Array(await new Response((await runtime.export(object)) as BodyInit).arrayBuffer())
  for (const [name, content, millions] of [
    ['durable-exported', archive, [1, 12]],
    ['durable-backed-up', new Uint8Array(backup), [1, 12]],
    ['durable-whole-exported', archive, [25, 40]],
  ] as const) {
    await runtime.import(name, content)
    const { bytes } = await stored(name)
    expect(bytes).toBeGreaterThan(millions[0] * 1e6)
    expect(bytes).toBeLessThan(millions[1] * 1e6)
    expect(await checked(name)).toEqual(before)
  }
}, 300_000)

test('a damaged template is noticed only where it is needed', async () => {
  const object = 'durable-damaged'
  await runtime.query(object, 'a', 'create table kept as select 1 as one')
  await runtime.do(object, { type: 'stop' })
  const damage = "update postgres_template set bytes = x'00'"
  await runtime.do(object, { type: 'storage', sql: damage })
  await runtime.kill()
  await runtime.start()
  await expect(runtime.do(object, { type: 'memory' })).resolves.toBeGreaterThan(0)
  await runtime.do(object, { type: 'stop' })
  await runtime.do(object, { type: 'storage', sql: "update postgres_template set hash = 'unknown'" })
  await expect(runtime.query(object, 'a', 'select 1')).rejects.toThrow(
    /storage is damaged: its template cannot be read: /,
  )
})

test.each([
  [
    'drop table postgres_leaning',
    /storage is damaged: table "postgres_leaning" is missing or has been changed/,
  ],
  ['delete from postgres_template', /storage is damaged: table "postgres_template" is empty/],
])('what a cluster on a template cannot do without is missed: %s', async (sql, message) => {
  const object = `durable-missing-${sql.length}`
  await runtime.query(object, 'a', 'select 1')
  await runtime.do(object, { type: 'stop' })
  await runtime.do(object, { type: 'storage', sql })
  await expect(runtime.query(object, 'a', 'select 1')).rejects.toThrow(message)
})

test('an object that is killed while its cluster is made has a whole cluster afterwards', async () => {
  for (let round = 0; round < 5; round++) {
    const object = `durable-begun-${round}`
    const begun = runtime.query(object, 'a', 'create table kept as select 1 as one').catch(() => 'killed')
    await new Promise(resolve => setTimeout(resolve, Math.random() * 400))
    await runtime.kill()
    await begun
    await runtime.start()
    expect(await runtime.query(object, 'a', 'select count(*) > 3000 as all from pg_proc')).toEqual([
      { all: true },
    ])
  }
})

test("a table of the object's own that has the name of one of the template's is left alone by a cluster without one", async () => {
  const object = 'durable-whole-beside'
  await runtime.query(object, 'a', 'create table kept as select 1 as one')
  await runtime.do(object, { type: 'stop' })
  for (const sql of [
    'create table postgres_template (part text, hash text)',
    "insert into postgres_template values (0, 'mine')",
  ])
    await runtime.do(object, { type: 'storage', sql })
  expect(await runtime.query(object, 'a', 'select * from kept')).toEqual([{ one: 1 }])
  await runtime.do(object, { type: 'stop' })
  await runtime.kill()
  await runtime.start()
  expect(await runtime.query(object, 'a', 'select * from kept')).toEqual([{ one: 1 }])
  const mine = 'select * from postgres_template'
  expect(await runtime.do(object, { type: 'storage', sql: mine })).toEqual([{ part: '0', hash: 'mine' }])
})
