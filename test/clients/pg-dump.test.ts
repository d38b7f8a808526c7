import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { connectionTo, type Program, program18, run } from '../fixtures/native-programs.js'
import { useServer } from '../fixtures/server.js'

const server = useServer({ args: ['-c', 'wal_level=logical'] })
const schema = readFileSync(new URL('../fixtures/every-kind-of-object.sql', import.meta.url), 'utf8')

let psql: Program
let pgDump: Program
let pgRestore: Program
let original: string

beforeAll(async () => {
  psql = await program18('psql')
  pgDump = await program18('pg_dump')
  pgRestore = await program18('pg_restore')
  await query('postgres', 'create database original')
  await query('original', schema)
  original = await dump('original')
})

async function output(program: Program, args: string[], database: string, input: string | Buffer = '') {
  const outcome = await run(program, args, connectionTo(server, database), input)
  // A subscription that does not connect is made with a warning.
  expect(outcome.stderr.replace(/^(WARNING: .*subscription|HINT: .*replication).*\n/gm, '')).toBe('')
  expect(outcome.code).toBe(0)
  return outcome.stdout
}

const query = (database: string, input: string) =>
  output(psql, ['-XAtq', '-v', 'ON_ERROR_STOP=1'], database, input)

const dump = (database: string, ...args: string[]) =>
  output(pgDump, ['--restrict-key=none', ...args], database)

test('a dump contains every kind of object', () => {
  const kinds = new Set(Array.from(original.matchAll(/^-- Name: .*; Type: ([A-Z ]+);/gm), match => match[1]))
  expect([...kinds].sort()).toEqual(
    [
      'ACL',
      'AGGREGATE',
      'BLOB METADATA',
      'CAST',
      'CHECK CONSTRAINT',
      'COMMENT',
      'CONSTRAINT',
      'CONVERSION',
      'DEFAULT',
      'DEFAULT ACL',
      'DOMAIN',
      'EVENT TRIGGER',
      'FK CONSTRAINT',
      'FOREIGN DATA WRAPPER',
      'FOREIGN TABLE',
      'FUNCTION',
      'INDEX',
      'INDEX ATTACH',
      'MATERIALIZED VIEW',
      'MATERIALIZED VIEW DATA',
      'OPERATOR',
      'OPERATOR CLASS',
      'OPERATOR FAMILY',
      'POLICY',
      'PROCEDURE',
      'PUBLICATION',
      'PUBLICATION TABLE',
      'PUBLICATION TABLES IN SCHEMA',
      'ROW SECURITY',
      'RULE',
      'SCHEMA',
      'SEQUENCE',
      'SEQUENCE OWNED BY',
      'SEQUENCE SET',
      'SERVER',
      'STATISTICS',
      'SUBSCRIPTION',
      'TABLE',
      'TABLE ATTACH',
      'TEXT SEARCH CONFIGURATION',
      'TEXT SEARCH DICTIONARY',
      'TRIGGER',
      'TYPE',
      'USER MAPPING',
      'VIEW',
    ].sort(),
  )
})

test('pg_dump | psql makes a database whose dump is the same', async () => {
  await query('postgres', 'create database by_psql')
  await query('by_psql', original)
  expect(await dump('by_psql')).toBe(original)
})

test('pg_dump --inserts | psql does so as well', async () => {
  await query('postgres', 'create database by_inserts')
  await query('by_inserts', await dump('original', '--rows-per-insert=100'))
  expect(await dump('by_inserts')).toBe(original)
})

test('pg_dump -Fc | pg_restore does so as well', async () => {
  const environment = connectionTo(server, 'original')
  const archive = await binaryOutput(pgDump(['-Fc'], environment))
  await query('postgres', 'create database by_archive')
  await output(pgRestore, ['--exit-on-error', '-d', 'by_archive'], 'by_archive', archive)
  expect(await dump('by_archive')).toBe(original)
})

test('what was dumped and restored works: triggers fire, policies hold, views and partitions answer', async () => {
  await query('postgres', 'create database restored')
  await query('restored', original)
  const script = `
    insert into shop.orders (customer, ordered, items) values (1, '2025-03-01', array[row('pen', 2)::shop.item]);
    select changes from shop.audit;
    select count(*) from shop.orders_2025;
    select shop.total(3, 4), shop.longest(name) from shop.customers;
    select (2, 3)::shop.point2 operator(shop.<+>) (1, 1)::shop.point2;
    set role shop_reader;
    select name from shop.customers;
  `
  expect(await query('restored', script)).toBe(await query('original', script))
})

async function binaryOutput(child: ReturnType<Program>): Promise<Buffer> {
  const parts: Buffer[] = []
  child.stdin!.end()
  child.stderr!.resume()
  for await (const part of child.stdout!) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
