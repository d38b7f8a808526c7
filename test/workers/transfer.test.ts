import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { exportDataDirectory, importDataDirectory, startServer } from 'pglite-imports-server'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'transfer-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const FILL = `create table carried as select id, repeat(md5(id::text), 40) as filler from generate_series(1, 2000) id;
  create index on carried (filler)`
const SUM = "select count(*)::int, md5(string_agg(filler, '' order by id)) from carried"

/** The names of the cluster's tables in a storage. */
const TABLES = "select name from sqlite_master where name like 'postgres%'"

/** What a server under Node answers on a data directory. */
async function underNode(dataDir: string, sql: string): Promise<unknown[]> {
  const server = await startServer({ port: 0, dataDir })
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres' })
  await client.connect()
  const result = await client.query(sql)
  await client.end()
  await server.stop()
  return result.rows
}

/** These chunks, with a pause of so many milliseconds after each. */
function slowly(chunks: Uint8Array[], pause = 500): ReadableStream<Uint8Array> {
  const rest = chunks.values()
  return new ReadableStream({
    async pull(controller) {
      const { value } = rest.next()
      if (value === undefined) return controller.close()
      controller.enqueue(value)
      await new Promise(resolve => setTimeout(resolve, pause))
    },
  })
}

/** The bytes of an archive with these files. */
async function archiveOf(files: Record<string, string>, compress = true): Promise<Uint8Array<ArrayBuffer>> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content)
  tar.finalize()
  const bytes = await buffer(tar as AsyncIterable<Buffer>)
  return new Uint8Array(compress ? gzipSync(bytes) : bytes)
}

test('a cluster goes from an object to a data directory, and from there to another object', async () => {
  const dataDir = join(folder, 'from-object')
  await runtime.query('durable-first', 'a', FILL)
  const sum = await runtime.query('durable-first', 'a', SUM)
  await runtime.do('durable-first', { type: 'stop' })
  await importDataDirectory(dataDir, await runtime.export('durable-first'))
  expect(await underNode(dataDir, SUM)).toEqual(sum)
  for (const object of ['durable-second', 'durable-whole-second']) {
    await runtime.import(object, await exportDataDirectory(dataDir))
    expect(await runtime.query(object, 'a', SUM)).toEqual(sum)
  }
})

test('a cluster whose object was killed can be exported', async () => {
  const dataDir = join(folder, 'killed')
  await runtime.query('durable-killed', 'a', FILL)
  const sum = await runtime.query('durable-killed', 'a', SUM)
  await runtime.kill()
  await runtime.start()
  await importDataDirectory(dataDir, await runtime.export('durable-killed'))
  expect(await underNode(dataDir, SUM)).toEqual(sum)
})

test("an object refuses PGlite's dumpDataDir(), says what to do, and takes the cluster when that has been done", async () => {
  const dataDir = join(folder, 'pglite')
  const pglite = await PGlite.create()
  await pglite.exec(FILL)
  const dump = await pglite.dumpDataDir()
  await pglite.close()
  const message =
    /cannot be read: it was made by PGlite.*: convert a copy by "pglite-imports-server import -D NEW OLD"/
  await expect(runtime.import('durable-pglite', dump.stream())).rejects.toThrow(message)
  await importDataDirectory(dataDir, dump.stream())
  const sum = await underNode(dataDir, SUM)
  await runtime.import('durable-pglite', await exportDataDirectory(dataDir))
  expect(await runtime.query('durable-pglite', 'a', SUM)).toEqual(sum)
})

test('a cluster in use is not exported, nor a storage without a cluster', async () => {
  const dataDir = join(folder, 'used')
  const server = await startServer({ port: 0, dataDir })
  await expect(exportDataDirectory(dataDir)).rejects.toThrow(/in use by another server in this process/)
  await server.stop()
  await expect(exportDataDirectory(join(folder, 'nowhere'))).rejects.toThrow(/holds no PostgreSQL cluster/)
})

test('what is no cluster leaves nothing behind, and what is there stays', async () => {
  const bad: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [new TextEncoder().encode('this is not an archive'.repeat(100)), /not an archive of a data directory/],
    [new Uint8Array([0x1f, 0x8b, 1, 2, 3, 4]), /not an archive of a data directory/],
    [await archiveOf({ 'readme.txt': 'hello' }), /no PostgreSQL cluster|no file "PG_VERSION"/],
    [await archiveOf({ PG_VERSION: '17\n' }, false), /PostgreSQL 17, this is 18/],
    [await archiveOf({ '../outside': 'x' }), /leads out of the data directory/],
  ]
  for (const [bytes, message] of bad) {
    await expect(importDataDirectory(join(folder, 'bad'), new Blob([bytes]).stream())).rejects.toThrow(
      message,
    )
    await expect(runtime.import('durable-bad', bytes)).rejects.toThrow(message)
  }
  expect(existsSync(join(folder, 'bad'))).toBe(false)
  expect(await runtime.query('durable-bad', 'a', 'select 1 as one')).toEqual([{ one: 1 }])
  await runtime.do('durable-bad', { type: 'stop' })
  await expect(runtime.import('durable-bad', bad[3]![0])).rejects.toThrow(/has a cluster already/)
  expect(await runtime.query('durable-bad', 'a', 'select 1 as one')).toEqual([{ one: 1 }])
})

describe('an import that does not come to its end leaves nothing behind', () => {
  let archive = new Uint8Array()
  beforeAll(async () => {
    await runtime.query(
      'durable-source',
      'a',
      `create table carried as
        select string_agg(sha512(random()::text::bytea), '') from generate_series(1, 100000) id group by id % 2000`,
    )
    await runtime.do('durable-source', { type: 'stop' })
    archive = new Uint8Array(await new Response(await runtime.export('durable-source')).arrayBuffer())
  })
  const tablesOf = (object: string) => runtime.do(object, { type: 'storage', sql: TABLES })

  test.each([0.1, 0.5, 0.9])('a bit is another at %d of its length', async place => {
    const damaged = archive.slice()
    damaged[Math.floor(archive.length * place)]! ^= 4
    const object = `durable-damaged-${place}`
    await expect(runtime.import(object, damaged)).rejects.toThrow(/not an archive of a data directory/)
    expect(await tablesOf(object)).toEqual([])
  })

  test('the archive is damaged, and more of it comes later', async () => {
    const tar = await archiveOf({ PG_VERSION: '18\n', damaged: 'x'.repeat(2000) }, false)
    tar[1024 + 1]! ^= 4
    const whole = slowly([tar, new Uint8Array(1e6), new Uint8Array(1e6)])
    await expect(runtime.import('durable-slow', whole)).rejects.toThrow(/not an archive of a data directory/)
    expect(await tablesOf('durable-slow')).toEqual([])
  })

  test('the object is killed', async () => {
    const half = archive.subarray(0, archive.length / 2)
    for (const object of ['durable-killed-import', 'durable-killed-twice']) {
      const cut = runtime.import(object, slowly([half], 60_000)).catch(() => 'cut off')
      const files = 'select count(*) > 100 as some from postgres_page'
      await until('files have come', async () => {
        if (((await tablesOf(object)) as unknown[]).length === 0) return false
        const [row] = await runtime.do<{ some: number }[]>(object, { type: 'storage', sql: files })
        return row!.some === 1
      })
      await runtime.kill()
      expect(await cut).toBe('cut off')
      await runtime.start()
    }
    const carried = "select to_regclass('carried') as carried"
    expect(await runtime.query('durable-killed-import', 'a', carried)).toEqual([{ carried: null }])
    await runtime.import('durable-killed-twice', archive)
    expect(await runtime.query('durable-killed-twice', 'a', 'select count(*)::int from carried')).toEqual([
      { count: 2000 },
    ])
  })

  test('nothing else can use the storage meanwhile', async () => {
    const object = 'durable-importing'
    const importing = runtime.import(object, slowly([archive.subarray(0, 1e6), archive.subarray(1e6)], 3000))
    await until('it has begun', async () => ((await tablesOf(object)) as unknown[]).length > 0)
    const under = /an import into the object's storage is under way/
    await expect(runtime.import(object, new Uint8Array(10))).rejects.toThrow(under)
    await expect(runtime.query(object, 'a', 'select 1')).rejects.toThrow(under)
    await importing
  })
})
