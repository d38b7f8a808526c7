/** The metrics of a server in an object, for its operators. */
import { expect, test } from 'vitest'
import { metric } from '../fixtures/metric.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

interface Told {
  readonly metrics: Readonly<Record<string, number | boolean | undefined>>
  readonly text: string
}

const told = (object: string) => runtime.do<Told>(object, { type: 'metrics' })

test('metrics count what clients of an object do', async () => {
  await runtime.query('durable-counted', 'a', 'select 1')
  await told('durable-counted')
  const { text: before } = await told('durable-counted')
  for (let i = 0; i < 10; i++) await runtime.query('durable-counted', 'a', "select repeat('x', 10000)")
  await runtime.query('durable-counted', 'b', 'create table filled as select from generate_series(1, 100000)')
  let last: Told | undefined
  // Answers are kept for a second.
  await until('the statistics are new', async () => {
    last = await told('durable-counted')
    return metric(last.text, 'pg_wal_position_bytes') > metric(before, 'pg_wal_position_bytes')
  })
  const { metrics, text } = last!
  const growth = (name: string) => metric(text, name) - metric(before, name)
  expect(growth('pglite_statements_total')).toBeGreaterThanOrEqual(11)
  expect(growth('pglite_connections_accepted_total')).toBeGreaterThanOrEqual(1)
  expect(growth('pglite_sent_bytes_total')).toBeGreaterThan(100_000)
  expect(growth('pglite_storage_bytes')).toBeGreaterThan(1e6)
  expect(metric(text, 'pglite_connections')).toBeGreaterThanOrEqual(2)
  expect(metric(text, 'pglite_starts_total')).toBe(1)
  expect(metric(text, 'pg_up')).toBe(1)
  expect(metric(text, 'pg_stat_database_blks_hit')).toBeGreaterThan(0)
  expect(text).toMatch(/^pglite_process_memory_bytes\{pid="\d+",type="backend"\} [1-9]\d+$/m)
  const memory = metric(text, 'pglite_linear_memory_bytes')
  expect(memory).toBeGreaterThan(metric(text, 'pglite_process_memory_bytes'))
  expect(memory).toBeLessThan(metric(text, 'pglite_linear_memory_limit_bytes'))
  expect(metrics).toMatchObject({ running: true, starts: 1, memory, maxMemory: 96 << 20, maxSize: 9e9 })
})

test('metrics do not start a suspended server, and their counts go on when it starts again', async () => {
  await runtime.do('durable-suspended', { type: 'transaction', statements: ['select 1', 'select 2'] })
  const { metrics: first } = await told('durable-suspended')
  await until('the server is suspended', async () => {
    // A question puts the suspension off.
    await new Promise(resolve => setTimeout(resolve, 2000))
    return (await told('durable-suspended')).metrics.running === false
  })
  const { metrics, text } = await told('durable-suspended')
  expect(metrics).toMatchObject({ running: false, starts: 1, memory: 0, connections: 0 })
  expect(metrics.statistics).toBeUndefined()
  expect(metrics.statements).toBeGreaterThanOrEqual(first.statements as number)
  expect(metric(text, 'pglite_running')).toBe(0)
  expect(metric(text, 'pglite_storage_bytes')).toBeGreaterThan(5e5)
  expect(text).not.toMatch(/^pg_/m)
  await runtime.do('durable-suspended', { type: 'transaction', statements: ['select 3'] })
  const { metrics: again } = await told('durable-suspended')
  expect(again).toMatchObject({ running: true, starts: 2 })
  expect(again.statements).toBeGreaterThanOrEqual((metrics.statements as number) + 3)
})

test('a server without storage has no metrics of storage', async () => {
  const { metrics, text } = await told('volatile')
  expect(metrics.storage).toBeUndefined()
  expect(text).not.toMatch(/^pglite_storage/m)
  expect(metric(text, 'pg_up')).toBe(1)
})
