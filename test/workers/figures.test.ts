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

/** What the first answer of a suspended server takes: the engine compiles the code better and better, so the last times take less. */
async function wakes(): Promise<void> {
  const times: number[] = []
  for (let i = 0; i < 15; i++) {
    await runtime.do(object, { type: 'end', session: 'a' })
    await until('the server is suspended', async () => (await runtime.do(object, { type: 'memory' })) === 0)
    const before = runtime.processorTime()
    await query('select 1')
    times.push(runtime.processorTime() - before)
  }
  const median = (some: number[]) => some.sort((a, b) => a - b)[Math.floor(some.length / 2)]
  const [first, last] = [median(times.slice(0, 5)), median(times.slice(-5))]
  figures.push(['first answer of a suspended server', `${first} ms of processor time, later ${last} ms`])
}

async function storage(): Promise<number> {
  const contents =
    'select sum(length(bytes)) as bytes from (select bytes from postgres_page union all select bytes from postgres_template)'
  const [row] = await runtime.do<{ bytes: number }[]>(object, { type: 'storage', sql: contents })
  return row!.bytes / MEGABYTE
}

/** The linear memory of a server, at rest and with idle sessions. */
async function atRest(): Promise<void> {
  const resting = 'figures-resting?never-suspended'
  const megabytes = async () => (await runtime.do<number>(resting, { type: 'memory' })) / (1 << 20)
  const rested = await megabytes()
  await runtime.query(resting, 'first', 'select 1')
  const one = await megabytes()
  for (const session of ['a', 'b', 'c', 'd']) await runtime.query(resting, session, 'select 1')
  const further = ((await megabytes()) - one) / 4
  figures.push(['memory of a server at rest', `${rested.toFixed(1)} MiB`])
  figures.push([
    'an idle session',
    `${(one - rested).toFixed(1)} MiB, further ones ${further.toFixed(1)} MiB`,
  ])
}

/** What Wrangler uploads of the server module: the modules, and the files that they read. */
function bundle(): { files: number; gzip: number } {
  const lib = readdirSync(join(dist, 'lib')).filter(name => name.endsWith('.wasm'))
  const names = [
    'postgres.wasm',
    'kernel.wasm',
    'files.bin',
    'template.br.bin',
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
  expect(empty).toBeLessThan(1)
  await wakes()
  await atRest()

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
