/** The figures of docs/workers.md, measured here and now, and printed: `npm run figures:workers`. What does not depend on the machine is checked. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { dist } from '../../wasm/build/paths.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const MEGABYTE = 1e6
const object = 'durable-figures'
const query = <T = Record<string, unknown>>(sql: string) => runtime.query<T>(object, 'a', sql)

const figures: [what: string, figure: string][] = []

/** Of the runtime's processor time while this is done, in milliseconds, and how long it takes. */
async function processorTime(what: string, use: () => Promise<unknown>, times = 1): Promise<void> {
  const before = runtime.processorTime()
  const begun = performance.now()
  await use()
  const text = (milliseconds: number) => milliseconds.toFixed(milliseconds < 10 ? 1 : 0)
  const spent = text((runtime.processorTime() - before) / times)
  figures.push([what, `${spent} ms of processor time, in ${text((performance.now() - begun) / times)} ms`])
}

async function storage(): Promise<number> {
  const contents =
    'select sum(length(bytes)) as bytes from (select bytes from postgres_page union all select bytes from postgres_template)'
  const [row] = await runtime.do<{ bytes: number }[]>(object, { type: 'storage', sql: contents })
  return row!.bytes / MEGABYTE
}

/** What Wrangler uploads of the server module: the modules, and the files that they read. */
function bundle(): { files: number; gzip: number } {
  const lib = readdirSync(join(dist, 'lib')).filter(name => name.endsWith('.wasm'))
  const names = [
    'postgres.wasm',
    'kernel.wasm',
    'files.bin',
    'template.bin',
    ...lib.map(name => join('lib', name)),
  ]
  const contents = names.map(name => readFileSync(join(dist, name)))
  const sum = (sizes: number[]) => sizes.reduce((all, size) => all + size, 0) / MEGABYTE
  return {
    files: sum(contents.map(({ length }) => length)),
    gzip: sum(contents.map(bytes => gzipSync(bytes).length)),
  }
}

test('what a Worker costs', async () => {
  const { files, gzip } = bundle()
  figures.push(['bundle', `${files.toFixed(1)} MB, ${gzip.toFixed(1)} MB compressed`])
  expect(gzip).toBeLessThan(10)

  // So that the code is compiled.
  for (const first of [object, 'durable-first', 'durable-second']) await runtime.query(first, 'a', 'select 1')
  await processorTime('first answer of a new object', () => runtime.query('durable-new', 'a', 'select 1'))
  const empty = await storage()
  figures.push(['storage of a new cluster', `${empty.toFixed(1)} MB`])
  expect(empty).toBeLessThan(2)
  await runtime.do(object, { type: 'end', session: 'a' })
  await until('the server is suspended', async () => (await runtime.do(object, { type: 'memory' })) === 0)
  await processorTime('first answer of a suspended server', () => query('select 1'))

  await processorTime(
    'a query of one row',
    () => runtime.do(object, { type: 'many queries', count: 1000, atOnce: false }),
    1000,
  )
  await query('create table load (id int primary key, hash text, filler text)')
  await processorTime('100,000 rows inserted', () =>
    query("insert into load select id, md5(id::text), repeat('x', 60) from generate_series(1, 100000) id"),
  )
  await processorTime('an index on 100,000 texts', () => query('create index on load (hash)'))
  await processorTime('a sequential scan of 100,000 rows', () =>
    query("select count(*) from load where filler like '%y%'"),
  )
  await query('checkpoint')
  figures.push(['storage of that table, two indexes and WAL', `${((await storage()) - empty).toFixed(1)} MB`])
  const memory = (await runtime.do<number>(object, { type: 'memory' })) / MEGABYTE
  figures.push(['linear memory after that', `${memory.toFixed(1)} MB`])
  expect(memory).toBeLessThan(60)

  console.log(figures.map(([what, figure]) => `${what.padEnd(42)} ${figure}`).join('\n'))
}, 120_000)
