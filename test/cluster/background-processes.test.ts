/** Processes without a client: which there are, and that they hold out with less stack than those of clients. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { startServer } from '../../dist/server/index.js'
import { until } from '../fixtures/until.js'

const folder = mkdtempSync(join(tmpdir(), 'background-processes-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function withServer(
  name: string,
  settings: Record<string, string>,
  use: (query: (sql: string) => Promise<unknown[]>, log: () => string, dataDir: string) => Promise<void>,
): Promise<void> {
  const log: string[] = []
  const dataDir = join(folder, name)
  const server = await startServer({ dataDir, port: 0, settings, log: line => void log.push(line) })
  const client = new pg.Client(server.url)
  await client.connect()
  try {
    await use(
      async sql => (await client.query(sql)).rows,
      () => log.join('\n'),
      dataDir,
    )
  } finally {
    await client.end()
    await server.stop()
  }
}

const WRITERS =
  "select count(*)::int as writers from pg_stat_activity where backend_type = 'background writer'"

test('a background writer runs while it has something to write', async () => {
  const settings = { wal_level: 'minimal', max_wal_senders: '0' }
  await withServer('writer', settings, async query => {
    expect(await query(WRITERS)).toEqual([{ writers: 1 }])
    await query('alter system set bgwriter_lru_maxpages = 0')
  })
  await withServer('writer', settings, async query => {
    expect(await query(WRITERS)).toEqual([{ writers: 0 }])
    await query('create table written as select generate_series(1, 10000) as id')
    await query('checkpoint')
    await query('alter system set bgwriter_lru_maxpages = 100')
    await query('select pg_reload_conf()')
    await until('there is a background writer', async () => {
      const [row] = (await query(WRITERS)) as { writers: number }[]
      return row!.writers === 1
    })
  })
})

test('for standbys it writes which transactions run, whatever else it writes', async () => {
  await withServer('standbys', { wal_level: 'replica', bgwriter_lru_maxpages: '0' }, async query => {
    expect(await query(WRITERS)).toEqual([{ writers: 1 }])
  })
})

test('the postmaster refuses rules that would take more stack than it has, and goes on', async () => {
  await withServer('rules', {}, async (query, log, dataDir) => {
    const deep = `/^${'('.repeat(50_000)}${')'.repeat(50_000)}$`
    const rules = ['local all all trust', 'host all all all trust']
    writeFileSync(join(dataDir, 'pg_hba.conf'), [`host all ${deep} all trust`, ...rules, ''].join('\n'))
    await query('select pg_reload_conf()')
    await until('the postmaster has read the rules', () => /pg_hba\.conf was not reloaded/.test(log()))
    expect(log()).toMatch(/regular expression is too complex/)
    writeFileSync(join(dataDir, 'pg_hba.conf'), rules.join('\n'))
    await query('select pg_reload_conf()')
    expect(await query(WRITERS)).toEqual([{ writers: 1 }])
  })
})
