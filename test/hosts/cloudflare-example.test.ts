/** examples/cloudflare, as its README says: copied, installed, run by wrangler, reached by HTTP and by PostgreSQL's clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Example, type Running } from '../fixtures/example.js'

/** Wrangler serializes 24 MB of modules at each start, by copying them again and again. */
const WRANGLER_START = 240_000

let example: Example

function startWorker(): Promise<Running> {
  const options = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0']
  return example.start(['wrangler', 'dev', ...options], /Ready on (http:\/\/\S+)/)
}

beforeAll(async () => {
  example = await Example.install('cloudflare')
}, 600_000)

afterAll(() => example?.remove())

describe('the template for Cloudflare', () => {
  test('is what wrangler can deploy, within the limits of a paid plan', async () => {
    const output = await example.run('wrangler', 'deploy', '--dry-run')
    const [, total, compressed] = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(output)!
    expect(Number(total)).toBeLessThan(64 * 1024)
    expect(Number(compressed)).toBeLessThan(10 * 1024)
  }, 120_000)

  test(
    'keeps what was written when it is started again',
    async () => {
      const { child: first, match } = await startWorker()
      const url = match[1]!
      const added = await fetch(url, { method: 'POST', body: 'Ada' })
      expect(await added.json()).toEqual([{ id: 1, name: 'Ada' }])
      await example.throughBridge(url, async client => {
        await client.query('create table kept as select id from generate_series(1, 1000) id')
        await client.query("insert into guests (name) values ('Grace')")
      })
      await example.end(first, 'SIGINT')

      const { child: second, match: again } = await startWorker()
      expect(await (await fetch(again[1]!)).json()).toEqual([
        { id: 1, name: 'Ada' },
        { id: 2, name: 'Grace' },
      ])
      await example.throughBridge(again[1]!, async client => {
        const { rows } = await client.query('select count(*)::int, sum(id)::int from kept')
        expect(rows).toEqual([{ count: 1000, sum: 500500 }])
      })
      await example.end(second, 'SIGINT')
    },
    2 * WRANGLER_START,
  )
})
