/** Migrations of an object's database. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-serverless'
import { migrate } from 'drizzle-orm/neon-serverless/migrator'
import type { Migrations } from 'pglite-imports-server/workers'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

/** database.ts has it, which only workerd can load. */
const PASSWORD = "it's a \\ 'secret'"

const runtime = useWorkerd()
const start = (object: string, migrations: Migrations) => runtime.do(object, { type: 'migrate', migrations })
const query = (object: string, sql: string) => runtime.query(object, 'a', sql)

test('each file is executed once, in the order of names, and a new one at the next start', async () => {
  const object = 'durable-plain'
  const files: Record<string, string> = {
    './migrations/2_row.sql': 'insert into lamps values (1)',
    './migrations/1_table.sql': 'create table lamps (id int); create index on lamps (id)',
  }
  await start(object, { files })
  await start(object, { files })
  expect(await query(object, 'select * from lamps')).toEqual([{ id: 1 }])
  await start(object, { files: { ...files, '3_more': 'insert into lamps values (2)' } })
  expect(await query(object, 'select * from lamps order by id')).toEqual([{ id: 1 }, { id: 2 }])
  expect(await query(object, 'select name from migrations.applied order by at, name')).toEqual(
    ['1_table', '2_row', '3_more'].map(name => ({ name })),
  )
})

test('a file that fails leaves nothing behind, is named, and is tried again at the next start', async () => {
  const object = 'durable-failing'
  const files = { '1': 'create table lamps (id int)', '2': 'insert into lamps values (1); select 1/0' }
  await expect(start(object, { files })).rejects.toMatchObject({
    code: '22012',
    message: 'migration "2" fails: division by zero',
  })
  expect(await query(object, 'select * from lamps')).toEqual([])
  await start(object, { files: { ...files, '2': 'insert into lamps values (2)' } })
  expect(await query(object, 'select * from lamps')).toEqual([{ id: 2 }])
})

test('a file that has changed since it was executed is refused', async () => {
  const object = 'durable-changed'
  await start(object, { files: { '1': 'create table lamps (id int)' } })
  await expect(start(object, { files: { '1': 'create table lamps (id bigint)' } })).rejects.toThrow(
    'migration "1" has changed since it was executed',
  )
})

test('files of drizzle-kit are recorded as Drizzle does, and each can go on after the other', async () => {
  const object = 'durable-drizzle'
  const files = {
    '0000_first':
      'CREATE TABLE "lamps" ("id" serial PRIMARY KEY);\n--> statement-breakpoint\nINSERT INTO "lamps" VALUES (1);',
    '0001_second': 'INSERT INTO "lamps" VALUES (2);',
    '0002_third': 'INSERT INTO "lamps" VALUES (3);',
    '0003_fourth': 'INSERT INTO "lamps" VALUES (4);',
  }
  const entries = Object.keys(files).map((tag, idx) => ({
    idx,
    version: '7',
    when: 1000 + idx,
    tag,
    breakpoints: true,
  }))
  const journal = (count: number) => ({
    version: '7',
    dialect: 'postgresql',
    entries: entries.slice(0, count),
  })
  await start(object, { files, journal: journal(2) })

  const folder = mkdtempSync(join(tmpdir(), 'drizzle-'))
  mkdirSync(join(folder, 'meta'))
  writeFileSync(join(folder, 'meta', '_journal.json'), JSON.stringify(journal(3)))
  for (const [tag, sql] of Object.entries(files)) writeFileSync(join(folder, `${tag}.sql`), sql)
  neonConfig.webSocketConstructor = WebSocket
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = 'password'
  neonConfig.wsProxy = host => new URL(runtime.url(host)).href.slice('ws://'.length)
  const client = new Client({ host: object, user: 'postgres', password: PASSWORD, database: 'postgres' })
  // The next start ends its server, maybe before it is gone.
  client.on('error', () => {})
  await client.connect()
  await migrate(drizzle(client), { migrationsFolder: folder })
  await client.end()
  rmSync(folder, { recursive: true })

  await start(object, { files, journal: journal(4) })
  expect(await query(object, 'select id from lamps order by id')).toEqual([1, 2, 3, 4].map(id => ({ id })))
  const recorded =
    'select count(*)::int, count(distinct hash)::int as hashes from drizzle.__drizzle_migrations'
  expect(await query(object, recorded)).toEqual([{ count: 4, hashes: 4 }])
  await expect(start(object, { files: {}, journal: journal(1) })).rejects.toThrow(
    '"0000_first" is in the journal',
  )
})
