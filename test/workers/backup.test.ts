/** Backups of a cluster whose server is in use, and what is restored of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { importDataDirectory, startServer } from 'pglite-imports-server'
import { expect, test } from 'vitest'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

/** No file of the template has a higher inode. */
const OF_TEMPLATE = 1500
const WRITERS = ['a', 'b', 'c']
/** Of one transaction. */
const ROWS = 3
/** Of a writer between two transactions, in milliseconds. */
const PAUSE = 30

/** Whether all indexes and tables are whole. */
const CHECK_INDEXES = `select count(bt_index_check(i.indexrelid, true))::int > 100 as many from pg_index i
  join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam and a.amname = 'btree' where c.relpersistence = 'p'`
const CHECK_TABLES = `select c.relname, v.* from pg_class c, lateral verify_heapam(c.oid) v
  where c.relkind in ('r', 'm', 't') and c.relpersistence = 'p'`

async function expectWhole(object: string): Promise<void> {
  expect(await runtime.query(object, 'checker', CHECK_INDEXES)).toEqual([{ many: true }])
  expect(await runtime.query(object, 'checker', CHECK_TABLES)).toEqual([])
}

/** Commits transactions until it is told to stop: rows are added, changed and removed, tables are made, emptied and dropped. */
class Load {
  /** By writer, the last transaction whose commit was answered. */
  readonly committed = new Map(WRITERS.map(writer => [writer, 0]))
  readonly #writers: Promise<void>[]
  #over = false

  constructor(readonly object: string) {
    this.#writers = WRITERS.map(writer => this.#write(writer))
  }

  async end(): Promise<void> {
    this.#over = true
    await Promise.all(this.#writers)
  }

  async #write(writer: string): Promise<void> {
    for (let number = 1; !this.#over; number++) {
      const own = `own_${writer}`
      await runtime.query(
        this.object,
        writer,
        `insert into written select '${writer}', ${number}, part, repeat(md5(random()::text), ${1 << (number % 8)})
           from generate_series(1, ${ROWS}) part;
         update written set filler = 'updated' where writer = '${writer}' and number = ${number - 5};
         drop table if exists ${own}; create table ${own} as select repeat('x', 100) from generate_series(1, ${(number % 7) * 100});
         ${number % 3 === 0 ? `truncate emptied_${writer};` : ''}
         insert into emptied_${writer} select generate_series(1, 200)`,
      )
      this.committed.set(writer, number)
      // The copies are on the same thread.
      await new Promise(resolve => setTimeout(resolve, PAUSE))
      if (number % 10 === 0)
        for (const sql of ['vacuum written', 'checkpoint']) await runtime.query(this.object, writer, sql)
    }
  }
}

async function prepare(object: string): Promise<void> {
  await runtime.query(
    object,
    'a',
    `create extension amcheck;
     create table written (writer text, number int, part int, filler text, primary key (writer, number, part));
     create table emptied_a (n int); create table emptied_b (n int); create table emptied_c (n int);
     create table large as select id, repeat(md5(id::text), 20) as filler from generate_series(1, 20000) id;
     create index on large (filler)`,
  )
}

interface Found {
  readonly writer: string
  readonly last: number
  readonly transactions: number
  readonly rows: number
}

const FOUND = `select writer, max(number)::int last, count(distinct number)::int transactions, count(*)::int as rows
  from written group by writer`

/** Each commit that was answered before is there, and none that was begun after; all of them whole. */
function expectCommits(
  found: readonly Found[],
  before: Map<string, number>,
  after: Map<string, number>,
): void {
  for (const writer of WRITERS) {
    const { last, transactions, rows } = found.find(row => row.writer === writer)!
    expect(last).toBeGreaterThanOrEqual(before.get(writer)!)
    expect(last).toBeLessThanOrEqual(after.get(writer)! + 1)
    expect({ transactions, rows }).toEqual({ transactions: last, rows: last * ROWS })
  }
}

test('a backup under load has what was committed when it began, and nothing by half', async () => {
  const object = 'durable-busy'
  await prepare(object)
  const load = new Load(object)
  for (let round = 0; round < 2; round++) {
    const some = load.committed.get('a')! + 2
    await until('there are commits', () => load.committed.get('a')! >= some)
    const before = new Map(load.committed)
    const response = await runtime.backup(object)
    const begun = new Map(load.committed)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(20_000_000)
    // Read in pieces, so that much changes meanwhile.
    const pieces: Uint8Array[] = []
    const reader = response.body!.getReader()
    for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
      pieces.push(next.value)
      if (pieces.length % 50 === 0) await new Promise(resolve => setTimeout(resolve, 20))
    }
    expect(load.committed.get('a')).toBeGreaterThan(begun.get('a')! + 1)
    const copy = `durable-copy-${round}`
    await runtime.import(copy, new Uint8Array(Buffer.concat(pieces)))
    expectCommits(await runtime.query<Found>(copy, 'checker', FOUND), before, begun)
    await expectWhole(copy)
    expect(
      await runtime.query(
        copy,
        'checker',
        'select count(*)::int, count(distinct filler)::int as fillers from large',
      ),
    ).toEqual([{ count: 20_000, fillers: 20_000 }])
    await runtime.do(copy, { type: 'stop' })
  }
  await load.end()
  await expectWhole(object)
  const tables = "select name from sqlite_master where name = 'postgres_backup'"
  expect(await runtime.do(object, { type: 'storage', sql: tables })).toEqual([])
  // Nothing is left of what was removed while it was read: each file has a name, but for what is open. Those of the template have theirs there.
  const nameless = `select count(*) as files from postgres_file where inode > ${OF_TEMPLATE} and inode not in (select inode from postgres_name)`
  await runtime.do(object, { type: 'stop' })
  expect(await runtime.do(object, { type: 'storage', sql: nameless })).toEqual([{ files: 0 }])
}, 180_000)

test('a backup can be imported into a data directory, also if it is compressed', async () => {
  const object = 'durable-to-node'
  await runtime.query(object, 'a', 'create table kept as select generate_series(1, 1000) id')
  const folder = mkdtempSync(join(tmpdir(), 'backup-'))
  const response = await runtime.backup(object, '&compress')
  expect(response.headers.get('content-length')).toBeNull()
  const dataDir = join(folder, 'data')
  await importDataDirectory(dataDir, response.body!)
  const server = await startServer({ port: 0, dataDir })
  const client = new pg.Client(server.url)
  await client.connect()
  expect((await client.query('select count(*)::int from kept')).rows).toEqual([{ count: 1000 }])
  await client.end()
  await server.stop()
  rmSync(folder, { recursive: true })
})

test('another object gets a copy, and the two change independently', async () => {
  await runtime.query('durable-trunk', 'a', 'create table grown as select 1 as ring')
  await runtime.do('durable-trunk', { type: 'copy to', object: '/durable-branch' })
  await runtime.query('durable-trunk', 'a', 'insert into grown values (2)')
  await runtime.query('durable-branch', 'a', 'insert into grown values (3)')
  const rings = async (object: string) =>
    (await runtime.query<{ ring: number }>(object, 'a', 'select ring from grown order by ring')).map(
      ({ ring }) => ring,
    )
  expect(await rings('durable-trunk')).toEqual([1, 2])
  expect(await rings('durable-branch')).toEqual([1, 3])
  await expect(runtime.do('durable-trunk', { type: 'copy to', object: '/durable-branch' })).rejects.toThrow(
    'has a cluster already',
  )
  expect(await rings('durable-trunk')).toEqual([1, 2])
})

test('a backup starts a suspended server, which is suspended again afterwards', async () => {
  const object = 'durable-asleep'
  await runtime.query(object, 'a', 'create table kept as select 1 as one')
  await runtime.do(object, { type: 'end', session: 'a' })
  const suspended = () => runtime.do<number>(object, { type: 'memory' }).then(bytes => bytes === 0)
  await until('the server is suspended', suspended)
  const archive = new Uint8Array(await (await runtime.backup(object)).arrayBuffer())
  await until('the server is suspended again', suspended)
  await runtime.import('durable-woken', archive)
  expect(await runtime.query('durable-woken', 'a', 'select one from kept')).toEqual([{ one: 1 }])
})

test('there is one backup at a time, until it is read, it is cancelled, or its server ends', async () => {
  const object = 'durable-one'
  await runtime.query(
    object,
    'a',
    'create table filled as select repeat(md5(i::text), 10) t from generate_series(1, 50000) i',
  )
  const first = await runtime.backup(object)
  await expect(runtime.backup(object)).rejects.toThrow('another backup of this cluster is being read')
  await first.body!.cancel()
  await until('the next one can be read', () =>
    runtime.backup(object).then(
      async response => {
        await response.body!.cancel()
        return true
      },
      () => false,
    ),
  )
  let begun: Response | undefined
  await until('another one is read', async () => {
    begun = await runtime.backup(object).catch(() => undefined)
    return begun !== undefined
  })
  await runtime.do(object, { type: 'stop' })
  await expect(begun!.arrayBuffer()).rejects.toThrow()
  expect(await runtime.query(object, 'b', 'select count(*)::int from filled')).toEqual([{ count: 50_000 }])
})

test('a backup whose object is killed leaves nothing behind', async () => {
  const object = 'durable-cut'
  await runtime.query(
    object,
    'a',
    'create table filled as select repeat(md5(i::text), 10) t from generate_series(1, 50000) i',
  )
  const cut = await runtime.backup(object)
  await cut.body!.getReader().read()
  await runtime.query(object, 'a', 'update filled set t = t; drop table filled')
  await runtime.kill()
  await runtime.start()
  expect(await runtime.query(object, 'a', "select to_regclass('filled') as filled")).toEqual([
    { filled: null },
  ])
  const tables = "select name from sqlite_master where name = 'postgres_backup'"
  expect(await runtime.do(object, { type: 'storage', sql: tables })).toEqual([])
})

test('restoreTo() says so if the platform has no bookmarks, and the server goes on', async () => {
  const object = 'durable-local'
  await runtime.query(object, 'a', 'create table kept as select 1 as one')
  await expect(runtime.do(object, { type: 'restore to', time: Date.now() - 1000 })).rejects.toThrow(
    /point-in-time|not implement|bookmark/i,
  )
  expect(await runtime.query(object, 'a', 'select one from kept')).toEqual([{ one: 1 }])
})
