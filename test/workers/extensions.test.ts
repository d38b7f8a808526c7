/** Extensions whose modules, and those of the libraries that they need, come with the bundle. */
import { expect, test } from 'vitest'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

test('pgvector finds the nearest neighbours, by an index', async () => {
  const query = (sql: string) => runtime.query('vector', 'a', sql)
  await query('create extension vector')
  await query('create table items (id int, embedding vector(3))')
  await query('insert into items select g, array[g, g % 10, 1] from generate_series(1, 300) g')
  await query('create index on items using hnsw (embedding vector_l2_ops)')
  await query('set enable_seqscan = off')
  const nearest = `select id from items order by embedding <-> '[42,2,1]' limit 1`
  expect(JSON.stringify(await query(`explain (costs off) ${nearest}`))).toContain('Index Scan')
  expect(await query(nearest)).toEqual([{ id: 42 }])
})

test('pgcrypto hashes, encrypts and compresses', async () => {
  const query = (sql: string) => runtime.query('crypto', 'a', sql)
  await query('create extension pgcrypto')
  const [row] = await query(
    `select encode(digest('abc', 'sha256'), 'hex') as digest,
            pgp_sym_decrypt(pgp_sym_encrypt(repeat('text', 1000), 'key', 'compress-algo=2'), 'key') = repeat('text', 1000) as same`,
  )
  expect(row).toEqual({
    digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    same: true,
  })
})

test('ICU sorts as each language does, with its data imported, and says so without', async () => {
  const sort = `select array(select w from unnest('{z,ä,a}'::text[]) w order by w collate "sv-x-icu") as sorted`
  expect(await runtime.query('with-icu', 'a', sort)).toEqual([{ sorted: ['a', 'z', 'ä'] }])
  await expect(runtime.query('without', 'a', sort)).rejects.toMatchObject({
    code: '0A000',
    message: 'this server does not have the data of ICU collations',
  })
  expect(await runtime.query('without', 'a', 'select 1 as one')).toEqual([{ one: 1 }])
})

test("glibc's locales sort and change case, with their data imported, and are refused without", async () => {
  const sort = `select array(select w from unnest('{z,ä,a,Z}'::text[]) w order by w collate german) as sorted, upper('i' collate turkish) as upper`
  const make = `create collation german (provider = libc, locale = 'de_DE.utf8'); create collation turkish (provider = libc, locale = 'tr_TR.UTF-8')`
  await runtime.query('with-locales', 'a', make)
  expect(await runtime.query('with-locales', 'a', sort)).toEqual([
    { sorted: ['a', 'ä', 'z', 'Z'], upper: 'İ' },
  ])
  await expect(runtime.query('without', 'a', make)).rejects.toMatchObject({
    code: '22023',
    message: 'could not create locale "de_DE.utf8": No such file or directory',
  })
})
