/** `--template-sql`: clients of any language take clones of what SQL files make. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Command } from '../fixtures/command.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'template-sql-'))
  mkdirSync(join(folder, 'migrations'))
  writeFileSync(join(folder, 'migrations', '1.sql'), 'create table article (name text);\n')
  writeFileSync(join(folder, 'migrations', '2.sql'), "insert into article values ('lamp');\n")
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const migrations = () => join(folder, 'migrations')

async function rowsOf(url: string, sql: string, database = 'postgres'): Promise<unknown[]> {
  const client = new pg.Client(Object.assign(new URL(url), { pathname: `/${database}` }).href)
  await client.connect()
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  await client.end()
  return rows.flat()
}

const take = async (url: string) =>
  (await rowsOf(url, "select pglite_imports.take_database('template')"))[0] as string

async function stop(command: Command): Promise<void> {
  command.process.kill('SIGINT')
  expect(await command.closed).toBe(0)
}

test('each client takes a clone of what the files have made', async () => {
  const command = new Command('-p', '0', '--template-sql', migrations())
  const url = await command.url()
  const [one, two] = [await take(url), await take(url)]
  await rowsOf(url, "insert into article values ('chair')", one)
  expect(await rowsOf(url, 'select name from article', one)).toEqual(['lamp', 'chair'])
  expect(await rowsOf(url, 'select name from article', two)).toEqual(['lamp'])
  await stop(command)
  // Nor does Node warn of a leak, for there are more than ten threads when the server is ready.
  expect(command.stderr).not.toContain('Warning')
})

test('in a data directory the next start makes it of the files as they are then', async () => {
  const dataDir = join(folder, 'data')
  const file = join(folder, 'changing.sql')
  for (const name of ['lamp', 'chair']) {
    writeFileSync(file, `create table article as select '${name}' as name;\n`)
    const command = new Command('-p', '0', '-D', dataDir, '--template-sql', file)
    const url = await command.url()
    expect(await rowsOf(url, 'select name from article', await take(url))).toEqual([name])
    await stop(command)
  }
})

test('a database of that name that was made otherwise stays as it is', async () => {
  const dataDir = join(folder, 'other')
  const first = new Command('-p', '0', '-D', dataDir, '-d', 'template')
  await rowsOf(await first.url(), 'create table mine ()', 'template')
  await stop(first)
  const refused = new Command('-p', '0', '-D', dataDir, '--template-sql', migrations())
  expect(await refused.closed).toBe(1)
  expect(refused.stderr).toMatch(/the cluster has another of that name: rename or drop that\n/)
  const again = new Command('-p', '0', '-D', dataDir)
  expect(await rowsOf(await again.url(), "select to_regclass('mine')::text", 'template')).toEqual(['mine'])
  await stop(again)
})

test('the first error in a file is reported with its line, and the server ends', async () => {
  const file = join(folder, 'bad.sql')
  writeFileSync(file, 'create table t ();\nselect 1 / 0;\n')
  const command = new Command('-p', '0', '--template-sql', file)
  expect(await command.closed).toBe(1)
  expect(command.stderr).toMatch(/bad\.sql:2: ERROR: {2}division by zero/)
  expect(command.stdout).toBe('')
})
