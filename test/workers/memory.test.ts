import { expect, test } from 'vitest'
import { useWorkerd } from './workerd.js'

const runtime = useWorkerd()

const MEGABYTE = 1 << 20

const query = (sql: string) => runtime.query('durable', 'a', sql)

/** Of PostgreSQL, of JavaScript, and the buffers beside it, in which the file layer has what it keeps. In bytes. */
async function used(): Promise<number> {
  const { usedSize, backingStorageSize } = await runtime.heap()
  return (await runtime.do<number>('durable', { type: 'memory' })) + usedSize + backingStorageSize
}

test('a workload takes no more than 100 MB, all together', async () => {
  const most: number[] = []
  for (const sql of [
    `create table load as select id, md5(id::text) hash, repeat('x', 50) filler from generate_series(1, 50000) id`,
    'create index on load (hash)',
    'select count(*) from load a join load b using (hash)',
  ]) {
    await query(sql)
    most.push(await used())
  }
  const task = { type: 'copy', table: 'copied', megabytes: 10 } as const
  expect(await runtime.do('durable', task)).toBeGreaterThan(100_000)
  most.push(await used())
  expect(Math.max(...most)).toBeLessThanOrEqual(100 * MEGABYTE)
})
