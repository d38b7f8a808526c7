/** A cluster that the browser keeps: what is durable, who owns it, and how it leaves and enters. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { exportDataDirectory, importDataDirectory, startServer } from 'pglite-imports-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Tabs } from '../fixtures/browser/tabs.js'
import { type Committed, rowsOf } from '../fixtures/browser/task.js'
import { until } from '../fixtures/until.js'

let tabs: Tabs

beforeAll(async () => {
  tabs = await Tabs.begin()
}, 600_000)

afterAll(async () => {
  await tabs?.end()
})

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 3)
const WRITERS = ['a', 'b', 'c']

describe.each([
  ['the file system', []],
  ['IndexedDB', ['files']],
])('a cluster in %s', (_, without) => {
  test('is there after the browser was killed in the middle of commits, with all that were answered', async () => {
    const committed = new Map<string, Committed[]>()
    let first = await tabs.open()
    await first.do({ type: 'open', without })
    await first.query('a', 'create table written (writer text, number int, part int, filler text)')
    await first.query('a', 'create index on written (writer, number)')
    await first.query('a', 'create extension amcheck')
    for (let round = 0; round < ROUNDS; round++) {
      const before = WRITERS.map(writer => `${writer}${round}`)
      const tab = round === 0 ? first : await tabs.open()
      const noted = (commit: Committed) => {
        committed.set(commit.writer, [...(committed.get(commit.writer) ?? []), commit])
      }
      if (round > 0) await tab.do({ type: 'open', without })
      const second = await tabs.open(noted)
      for (const writer of before) second.do({ type: 'write', writer }).catch(() => {})
      await until('each has committed', async () => before.every(writer => committed.has(writer)))
      await new Promise(resolve => setTimeout(resolve, 300 + Math.random() * 500))
      await tabs.kill()
      await tabs.launch()
      first = await tabs.open()
      await first.do({ type: 'open', without })
      const found = await first.query<{ writer: string; number: number; rows: number }>(
        'a',
        'select writer, number, count(*)::int as rows from written group by 1, 2 order by 1, 2',
      )
      for (const [writer, commits] of committed) {
        const there = found.filter(row => row.writer === writer)
        // All whose commit was answered, and some whose answer had not come to this process yet, each whole.
        expect(there.slice(0, commits.length)).toEqual(commits)
        expect(there).toEqual(there.map((_, i) => ({ writer, number: i + 1, rows: rowsOf(i + 1) })))
      }
      expect(await first.query('a', "select * from verify_heapam('written')")).toEqual([])
      await first.query('a', "select bt_index_check('written_writer_number_idx', true)")
      await first.close()
    }
  }, 600_000)
})

describe('tabs of one cluster', () => {
  const NAME = 'tabs'
  const options = { suspendAfter: false }

  test('have one server, and when its tab is closed another one takes over', async () => {
    const [one, two, three] = [await tabs.open(), await tabs.open(), await tabs.open()]
    expect(await one.do({ type: 'open', name: NAME, options })).toBe(true)
    expect(await two.do({ type: 'open', name: NAME, options })).toBe(false)
    await three.do({ type: 'join', name: NAME })
    await one.query(
      'a',
      'create table shared (id int primary key, value int); insert into shared values (1, 0)',
    )
    await one.query('a', 'begin; update shared set value = 1 where id = 1')
    const waiting = two.query('b', 'update shared set value = value + 10 where id = 1 returning value')
    expect(await three.query('c', 'select value from shared')).toEqual([{ value: 0 }])
    await one.query('a', 'commit')
    expect(await waiting).toEqual([{ value: 11 }])
    // More than a window, both ways.
    const text = 'x'.repeat(3_000_000)
    expect(
      await three.query('c', `select length('${text}') as length, repeat('y', 3000000) as text`),
    ).toEqual([{ length: text.length, text: 'y'.repeat(3_000_000) }])
    // The backend of a tab that has gone ends, and rolls back.
    await three.query('d', 'begin; delete from shared')
    const backends = () =>
      one.query('a', "select 1 from pg_stat_activity where application_name in ('c', 'd')")
    expect(await backends()).toHaveLength(2)
    await three.close()
    await until('the backends of the closed tab are gone', async () => (await backends()).length === 0)

    const lost = two.query('b', 'select pg_sleep(60)').catch((error: unknown) => error)
    await two.query('other', 'select 1')
    await one.close()
    expect(await lost).toMatchObject({ code: '57P01', message: expect.stringContaining('connect again') })
    expect(await two.query('new', 'select value from shared')).toEqual([{ value: 11 }])
    expect(await two.do({ type: 'owned' })).toBe(true)
    expect(await two.do({ type: 'postgres.js', sql: 'select value from shared' })).toEqual([{ value: 11 }])
    await two.close()
  }, 240_000)

  test('hand the server over when it is stopped, and wait for one when there is none', async () => {
    const [one, two] = [await tabs.open(), await tabs.open()]
    await two.do({ type: 'join', name: NAME })
    const waiting = two.query('a', 'select value from shared')
    await one.do({ type: 'open', name: NAME, options })
    expect(await waiting).toEqual([{ value: 11 }])
    const taking = two.do({ type: 'open', name: NAME, options })
    expect(await taking).toBe(false)
    const lost = two.query('a', 'select pg_sleep(60)').catch((error: unknown) => error)
    await two.query('b', 'select 1')
    await one.do({ type: 'stop' })
    expect(await lost).toMatchObject({ code: '57P01' })
    expect(await two.do({ type: 'owned' })).toBe(true)
    expect(await two.query('c', 'select value from shared')).toEqual([{ value: 11 }])
    await one.close()
    await two.close()
  }, 240_000)
})

describe('archives', () => {
  test('go from a browser to Node and back, and to another cluster', async () => {
    const tab = await tabs.open()
    await tab.do({ type: 'open', name: 'source' })
    await tab.query('a', 'create table moved as select id from generate_series(1, 1000) id')
    await expect(tab.do({ type: 'export', name: 'source', to: '/archive' })).rejects.toMatchObject({
      code: 'EBUSY',
    })
    await tab.do({ type: 'end', session: 'a' })
    await tab.do({ type: 'stop' })
    await tab.do({ type: 'export', name: 'source', to: '/archive' })

    const folder = mkdtempSync(join(tmpdir(), 'archive-'))
    const dataDir = join(folder, 'data')
    await importDataDirectory(dataDir, new Blob([new Uint8Array(tabs.archives.get('/archive')!)]).stream())
    const server = await startServer({ dataDir, port: 0 })
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query('insert into moved values (1001)')
    await client.end()
    await server.stop()
    const changed = new Response(
      (await exportDataDirectory(dataDir)) as ReadableStream<Uint8Array<ArrayBuffer>>,
    )
    tabs.archives.set('/changed', Buffer.from(await changed.arrayBuffer()))
    rmSync(folder, { recursive: true })

    for (const [name, without] of [
      ['target', []],
      ['target in IndexedDB', ['files']],
    ] as const) {
      const other = await tabs.open()
      await other.do({ type: 'import', name, from: '/changed', without: [...without] })
      await expect(other.do({ type: 'import', name, from: '/changed' })).rejects.toThrow('has a cluster')
      await other.do({ type: 'open', name })
      expect(await other.query('a', 'select count(*)::int from moved')).toEqual([{ count: 1001 }])
      await expect(other.do({ type: 'remove', name })).rejects.toMatchObject({ code: 'EBUSY' })
      await other.close()
    }
    await until('the locks are free', () =>
      tab.do({ type: 'remove', name: 'target' }).then(
        () => true,
        () => false,
      ),
    )
    await expect(tab.do({ type: 'export', name: 'target', to: '/none' })).rejects.toMatchObject({
      code: 'ENOENT',
    })
    await tab.close()
  }, 240_000)

  test.each([
    ['the file system', []],
    ['IndexedDB', ['files']],
  ])(
    'of a cluster in %s are made while it changes',
    async (place, without) => {
      const commits: Committed[] = []
      const [owner, writer] = [await tabs.open(), await tabs.open(commit => void commits.push(commit))]
      const name = `changing in ${place}`
      await owner.do({ type: 'open', name, without: [...without] })
      await owner.query('a', 'create table written (writer text, number int, part int, filler text)')
      await writer.do({ type: 'open', name, without: [...without] })
      await expect(writer.do({ type: 'backup', to: '/none' })).rejects.toThrow('another tab runs the server')
      writer.do({ type: 'write', writer: 'w' }).catch(() => {})
      const answered: number[] = []
      for (const path of ['/one', '/two']) {
        await until('more is committed', () => commits.length > 40 + (answered.at(-1) ?? 0))
        answered.push(commits.length)
        expect(await owner.do({ type: 'backup', to: path })).toBe(200)
      }
      const backup = () =>
        owner.do({ type: 'backup', to: '/three' }).catch(({ code }: { code?: string }) => code)
      // The first may have ended before the other one begins.
      await until('one of two backups at a time is refused', async () => {
        const outcomes = await Promise.all([backup(), backup()])
        expect(outcomes).toContain(200)
        return outcomes.includes('EBUSY')
      })
      await writer.close()
      expect(await owner.query('b', 'select count(distinct number)::int > 80 as more from written')).toEqual([
        { more: true },
      ])
      for (const [i, path] of ['/one', '/two'].entries()) {
        const other = await tabs.open()
        const copy = `copy ${i} of ${name}`
        await other.do({ type: 'import', name: copy, from: path })
        await other.do({ type: 'open', name: copy })
        const found = await other.query<Committed>(
          'a',
          'select writer, number, count(*)::int as rows from written group by 1, 2 order by 2',
        )
        expect(found.length).toBeGreaterThanOrEqual(answered[i]!)
        expect(found).toEqual(found.map((_, n) => ({ writer: 'w', number: n + 1, rows: rowsOf(n + 1) })))
        await other.close()
      }
      await owner.close()
    },
    240_000,
  )

  test('that are damaged leave nothing behind', async () => {
    const tab = await tabs.open()
    const archive = Buffer.from(tabs.archives.get('/archive')!)
    tabs.archives.set('/damaged', archive.subarray(0, archive.length / 2))
    for (const [name, without] of [
      ['damaged', []],
      ['damaged too', ['files']],
    ] as const) {
      await expect(tab.do({ type: 'import', name, from: '/damaged', without: [...without] })).rejects.toThrow(
        'this is not an archive of a data directory',
      )
      await tab.do({ type: 'import', name, from: '/archive' })
      await tab.do({ type: 'open', name })
      expect(await tab.query('a', 'select count(*)::int from moved')).toEqual([{ count: 1000 }])
      await tab.do({ type: 'end', session: 'a' })
      await tab.do({ type: 'stop' })
      await tab.do({ type: 'remove', name })
    }
    await tab.close()
  }, 240_000)
})

test('a name that is none, and a thread that has no files, are refused', async () => {
  const tab = await tabs.open()
  await expect(tab.do({ type: 'open', name: 'a/b' })).rejects.toThrow(
    'must not be empty or have slashes: "a/b"',
  )
  await expect(tab.do({ type: 'open', without: ['worker'] })).rejects.toThrow('only a dedicated worker')
  await tab.close()
})

test('without JSPI there is one session at a time, and the cluster stays', async () => {
  for (const rows of [1, 2]) {
    const tab = await tabs.open()
    await tab.do({ type: 'open', name: 'single', without: ['JSPI'] })
    await tab.query('a', 'create table if not exists kept (id int)')
    await tab.query('a', 'insert into kept values (1)')
    expect(await tab.query('a', 'select count(*)::int from kept')).toEqual([{ count: rows }])
    await expect(tab.query('b', 'select 1')).rejects.toMatchObject({ code: '53300' })
    await tab.close()
  }
}, 120_000)
