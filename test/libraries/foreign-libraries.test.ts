/** What PostgreSQL does by libraries of others, which a process loads when it first needs them. */
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { brotliCompress, brotliCompressSync, constants } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { useServer } from '../fixtures/server.js'

describe('compression', () => {
  // Pages are in the WAL as a whole so that a torn one can be mended, which an ephemeral cluster does without.
  const server = useServer({ args: ['-c', 'full_page_writes=on'] })

  it('keeps a column compressed with lz4', async () => {
    const client = await server.connect()
    await client.query(`create table compressed (t text compression lz4);
      insert into compressed select repeat('abc', 100000) from generate_series(1, 3)`)
    const { rows } = await client.query(
      `select distinct pg_column_compression(t) as method, length(t), md5(t) = md5(repeat('abc', 100000)) as same,
              pg_column_size(t) < 10000 as small from compressed`,
    )
    expect(rows).toEqual([{ method: 'lz4', length: 300_000, same: true, small: true }])
  })

  it.each(['zstd', 'lz4', 'pglz'])('writes full pages to the WAL, compressed with %s', async method => {
    const client = await server.connect()
    await client.query(`create extension if not exists pg_walinspect; set wal_compression = ${method};
      create table pages_${method} as select repeat('x', 50) as filler from generate_series(1, 1000)`)
    await client.query('checkpoint')
    const { rows: start } = await client.query('select pg_current_wal_lsn() as lsn')
    await client.query(`update pages_${method} set filler = filler`)
    const { rows } = await client.query(
      `select distinct flag from pg_get_wal_block_info($1, pg_current_wal_lsn()), unnest(block_fpi_info) flag
        where flag like 'COMPRESS%'`,
      [start[0].lsn],
    )
    expect(rows).toEqual([{ flag: `COMPRESS_${method.toUpperCase()}` }])
  })
})

describe('the type xml', () => {
  const server = useServer()

  it('is parsed, searched, and made', async () => {
    const client = await server.connect()
    const { rows } = await client.query(
      `select xpath('//b/text()', '<a><b>1</b><b>ü</b></a>')::text as found,
              xmlelement(name a, xmlattributes(1 as x), 'y<')::text as made,
              xmlserialize(document '<a><b/></a>' as text indent) as pretty,
              xmlexists('//c' passing by ref ('<a/>'::xml)) as there`,
    )
    expect(rows).toEqual([
      { found: '{1,ü}', made: '<a x="1">y&lt;</a>', pretty: '<a>\n  <b/>\n</a>', there: false },
    ])
  })

  it('is a table by XMLTABLE', async () => {
    const client = await server.connect()
    const { rows } = await client.query(
      `select * from xmltable('/r/row' passing ('<r><row id="1">a</row><row id="2"/></r>'::xml)
         columns id int path '@id', n for ordinality, t text path 'text()' default 'none')`,
    )
    expect(rows).toEqual([
      { id: 1, n: 1, t: 'a' },
      { id: 2, n: 2, t: 'none' },
    ])
  })

  it('says what is wrong with a document', async () => {
    const client = await server.connect()
    await expect(client.query(`select xmlparse(document '<a><b></a>')`)).rejects.toMatchObject({
      code: '2200M',
      detail: expect.stringContaining('Opening and ending tag mismatch'),
    })
    await expect(client.query(`select xpath('//[', '<a/>')`)).rejects.toMatchObject({ code: '10608' })
  })

  it('ends deep nesting in an error, and the session goes on', async () => {
    const client = await server.connect()
    for (const document of [
      `repeat('<a>', 1000000) || repeat('</a>', 1000000)`,
      `'<!DOCTYPE a [' || (select string_agg(format('<!ENTITY e%s "&e%s;&e%1$s;">', g, g - 1), '') from generate_series(1, 99) g) || ']><a>&e99;</a>'`,
    ])
      await expect(client.query(`select xmlparse(document ${document})`)).rejects.toMatchObject({
        code: expect.stringMatching(/^2200M|^54001/),
      })
    await expect(
      client.query(`select xpath(repeat('(', 20000) || '1' || repeat(')', 20000), '<a/>')`),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^\d/) })
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

describe('the size of the libraries', () => {
  const dist = new URL('../../wasm/dist/', import.meta.url)
  const manifest = JSON.parse(readFileSync(new URL('manifest.json', dist), 'utf8'))

  it('is not in a start: postgres.wasm and the cluster template are small', () => {
    expect(manifest.sizes['postgres.wasm'].brotli).toBeLessThan(2_450_000)
    expect(manifest.sizes['files.bin'].brotli).toBeLessThan(1_000_000)
  })

  it('is little: PostgreSQL with plpgsql, full text search and contrib, but for libraries of others', {
    timeout: 180_000,
  }, async () => {
    const compress = promisify(brotliCompress)
    const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } }
    const withOthers = ['pgcrypto', 'pgxml', 'vector']
    const conversion = /_and_|^euc2004_sjis2004$/
    const modules = manifest.modules.filter(
      (name: string) => !withOthers.includes(name) && !conversion.test(name),
    )
    const files = [
      'postgres.wasm',
      'kernel.wasm',
      ...['libpq', ...modules].map(name => `lib/${name}.so.wasm`),
    ]
    let sum = 0
    for (const file of files) sum += (await compress(readFileSync(new URL(file, dist)), best)).length
    expect(sum).toBeLessThan(2_600_000)
  })

  it('is told for each library', () => {
    const libraries = readdirSync(new URL('lib', dist)).filter(
      name => /^lib.*\.wasm$/.test(name) && name !== 'libpqwalreceiver.so.wasm',
    )
    expect(libraries).toEqual(
      ['libicu', 'liblz4', 'libpq', 'libxml2', 'libz', 'libzstd'].map(name => `${name}.so.wasm`),
    )
    for (const name of libraries) {
      const brotli = brotliCompressSync(readFileSync(new URL(`lib/${name}`, dist)), {
        params: { [constants.BROTLI_PARAM_QUALITY]: 5 },
      })
      expect(brotli.length).toBeLessThan(800_000)
    }
  })
})
