/** glibc's locales: by their names, in their order, with their characters. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { systemTimeZone } from '../../dist/server/new-cluster/time-zone.js'
import { dist } from '../../wasm/build/paths.js'
import { Command } from '../fixtures/command.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { stringsToSort } from '../fixtures/strings.js'

const folder = mkdtempSync(join(tmpdir(), 'locales-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a server', () => {
  const server = useServer()

  test('has the types of all characters in a new database', async () => {
    const client = await server.connect()
    await client.query('create extension pg_trgm; create extension ltree')
    const { rows } = await client.query(
      `select datlocprovider, datcollate, datctype, show_trgm('café') as trigrams, similarity('Москва', 'Масква') as alike,
              'Top.Süd'::ltree as path, 'é' ~ '[[:alpha:]]' as letter,
              array(select alias from ts_debug('simple', 'naïve café-société') where alias <> 'blank') as words
         from pg_database where datname = current_database()`,
    )
    expect(rows).toEqual([
      {
        datlocprovider: 'c',
        datcollate: 'C.UTF-8',
        datctype: 'C.UTF-8',
        trigrams: ['0xef5960', '  c', ' ca', '0x544980', 'caf'],
        alike: expect.closeTo(0.4),
        path: 'Top.Süd',
        letter: true,
        words: ['word', 'hword', 'hword_part', 'hword_part'],
      },
    ])
  })

  test('gives them to a database of a cluster that was made without them', async () => {
    const client = await server.connect()
    await client.query(
      `create database older template template0 locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'`,
    )
    const before = await server.connect({ database: 'older' })
    await before.query('create extension pg_trgm')
    expect((await before.query(`select show_trgm('привет') as t`)).rows).toEqual([{ t: [] }])
    await before.end()
    await client.query(
      `update pg_database set datlocprovider = 'c', datlocale = null, datcollversion = null, datcollate = 'C.UTF-8', datctype = 'C.UTF-8'
        where datlocprovider = 'b' and datlocale = 'C.UTF-8' and datctype = 'C'`,
    )
    const after = await server.connect({ database: 'older' })
    expect((await after.query(`select cardinality(show_trgm('привет')) as t`)).rows).toEqual([{ t: 7 }])
  })

  test('accepts the names of locales as glibc spells them, and no others', async () => {
    const client = await server.connect()
    for (const name of ['en_US.utf8', 'en_US.UTF-8', 'de_DE.Utf-8', 'ca_ES.UTF-8@valencia', 'C.utf8'])
      await client.query(`create collation "made ${name}" (provider = libc, locale = '${name}')`)
    for (const name of ['xx_YY.utf8', 'English_United States.1252', 'de_DE.utf9', 'EN_us.utf8']) {
      await expect(
        client.query(`create collation wrong (provider = libc, locale = '${name}')`),
      ).rejects.toMatchObject({ code: '22023', message: expect.stringContaining(name) })
      await expect(
        client.query(`create database wrong template template0 lc_collate '${name}' lc_ctype '${name}'`),
      ).rejects.toMatchObject({ code: '42809' })
    }
  })

  test('lists all locales in pg_collation, with the version of glibc', async () => {
    const client = await server.connect()
    const { rows } = await client.query(
      `select array_agg(collname::text order by collname) as names, bool_and(collversion ~ '^2[.]') as versions,
              bool_and(collversion = pg_collation_actual_version(oid)) as current
         from pg_collation where collprovider = 'c'
          and collname in ('en_US', 'en_US.utf8', 'de_DE', 'de_DE.utf8', 'sv_SE.utf8') and collencoding = 6`,
    )
    expect(rows).toEqual([
      { names: ['de_DE', 'de_DE.utf8', 'en_US', 'en_US.utf8', 'sv_SE.utf8'], versions: true, current: true },
    ])
    expect((await client.query(`select 1 from pg_collation where collname = 'C.utf8'`)).rowCount).toBe(1)
  })

  test('sorts, and changes case, as each language does', async () => {
    const client = await server.connect()
    const sorted = async (collation: string, words: string[]) =>
      (
        await client.query(
          `select array(select w from unnest($1::text[]) w order by w collate "${collation}") s`,
          [words],
        )
      ).rows[0].s
    expect(await sorted('en_US.utf8', ['Zebra', 'apple', 'banana', 'Apple', 'zoo'])).toEqual([
      ...['apple', 'Apple', 'banana', 'Zebra', 'zoo'],
    ])
    expect(await sorted('sv_SE.utf8', ['ö', 'z', 'å', 'a'])).toEqual(['a', 'z', 'å', 'ö'])
    expect(await sorted('cs_CZ.utf8', ['ch', 'ci', 'h', 'c'])).toEqual(['c', 'ci', 'h', 'ch'])
    const { rows } = await client.query(
      `select upper('i' collate "tr_TR.utf8") as upper, lower('I' collate "tr_TR.utf8") as lower, upper('é' collate "de_DE.utf8") as e`,
    )
    expect(rows).toEqual([{ upper: 'İ', lower: 'ı', e: 'É' }])
  })

  test('writes money and dates as each locale does', async () => {
    const client = await server.connect()
    await client.query(
      `set lc_monetary = 'de_DE.UTF-8'; set lc_time = 'de_DE.utf8'; set lc_numeric = 'de_DE.utf8'`,
    )
    const { rows } = await client.query(
      `select 1234.5::float8::numeric::money::text as money, to_char(date '2024-03-05', 'TMDay, DD TMMonth') as date,
              to_char(1234.5, '9G999D9') as number`,
    )
    expect(rows).toEqual([{ money: '1.234,50 €', date: 'Dienstag, 05 März', number: ' 1.234,5' }])
  })

  test('has databases of a locale, and of other encodings', async () => {
    const client = await server.connect()
    const inDatabase = async (database: string, options: string, query: string) => {
      await client.query(`create database ${database} template template0 ${options}`)
      const other = await server.connect({ database })
      const { rows } = await other.query(query)
      await other.end()
      return rows
    }
    const sorted = `select array(select w from unnest(array['Zebra', 'apple', 'Apple']) w order by w) as s`
    // As dumps say it: a new one, one of before there were providers.
    for (const [name, options] of [
      ['shop', `locale_provider libc locale 'en_US.utf8'`],
      ['older_shop', `lc_collate 'en_US.UTF-8' lc_ctype 'en_US.UTF-8'`],
    ] as const)
      expect(await inDatabase(name, options, sorted)).toEqual([{ s: ['apple', 'Apple', 'Zebra'] }])
    expect(await inDatabase('latin', `encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`, sorted)).toEqual([
      { s: ['Apple', 'Zebra', 'apple'] },
    ])
    expect(
      await inDatabase(
        'german',
        `encoding 'LATIN1' lc_collate 'de_DE' lc_ctype 'de_DE'`,
        `select upper('ä' collate "de_DE") as upper, 'ä' < 'b' as less`,
      ),
    ).toEqual([{ upper: 'Ä', less: true }])
    // As natively, where glibc has the locale.
    expect(
      await inDatabase(
        'letters',
        `encoding 'LATIN1' lc_collate 'de_DE' lc_ctype 'de_DE'`,
        `select upper('süß') as upper, lower('SÜß') as lower, initcap('äpfel über öl') as initcap, 'Ü' ~ '^[[:upper:]]$' as upper_class,
                'ü' ~* '^Ü$' as any_case, 'ü' ~ '^\\w$' as word, 'x¿y' ~ '[[:punct:]]' as punctuation, 'ÄÖ' ilike 'äö' as alike,
                to_tsvector('simple', 'Über Öl')::text as words, to_tsvector('german', 'Häuser')::text as stem,
                (select ÄB from (select 1 as "äb") t) as folded`,
      ),
    ).toEqual([
      {
        upper: 'SÜß',
        lower: 'süß',
        initcap: 'Äpfel Über Öl',
        upper_class: true,
        any_case: true,
        word: true,
        punctuation: true,
        alike: true,
        words: `'öl':2 'über':1`,
        stem: `'haus':1`,
        folded: 1,
      },
    ])
    await expect(
      client.query(`create database wrong template template0 encoding 'LATIN1' locale 'de_DE.utf8'`),
    ).rejects.toMatchObject({ code: '22023' })
  })
})

test('the time zone of the system is that to which a link leads', () => {
  const linked = (target: string) => {
    const link = join(folder, `localtime-${target.replaceAll('/', '-')}`)
    symlinkSync(target, link)
    return systemTimeZone(link)
  }
  expect(linked('/usr/share/zoneinfo/America/Argentina/Salta')).toBe('America/Argentina/Salta')
  expect(linked('/var/db/timezone/zoneinfo/Europe/Oslo')).toBe('Europe/Oslo')
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  expect([linked('/nowhere/Middle/Earth'), systemTimeZone(join(folder, 'none'))]).toEqual([
    timeZone,
    timeZone,
  ])
})

test('localtime is the zone of the system', async () => {
  const server = await ServerProcess.start()
  try {
    const client = await server.connect()
    const at = async (zone: string) =>
      (await client.query(`select timestamptz '2026-01-01 12:00Z' at time zone '${zone}' as time`)).rows
    expect(await at('localtime')).toEqual(await at(systemTimeZone()))
    await client.query(`set timezone = 'localtime'`)
    expect((await client.query('show timezone')).rows).toEqual([{ TimeZone: 'localtime' }])
    const { rows } = await client.query(`select name from pg_timezone_names where name = 'localtime'`)
    expect(rows).toEqual([{ name: 'localtime' }])
    await client.end()
  } finally {
    await server.stop()
  }
})

/** Of glibc itself, compiled by the build; sort(1) reads it where the C library of the machine is glibc. */
const compiled = join(dist, 'test/locales')

describe('100,000 strings', () => {
  const server = useServer()
  const strings = stringsToSort(100_000, 1)
  // Those that the locale takes for equal PostgreSQL orders by bytes, and sort -s as they come.
  const byBytes = strings.toSorted(Buffer.compare)
  const file = join(folder, 'strings')
  writeFileSync(file, Buffer.concat(byBytes.flatMap(string => [string, Buffer.from('\n')])))

  test.each(['en_US', 'de_DE', 'sv_SE', 'cs_CZ', 'ja_JP', 'tr_TR', 'uk_UA'])(
    'are in the order of glibc in %s',
    async language => {
      const name = `${language}.utf8`
      expect(existsSync(join(compiled, name, 'LC_COLLATE'))).toBe(true)
      const environment = { PATH: process.env.PATH, LOCPATH: compiled, LC_COLLATE: name, LC_CTYPE: name }
      const sort = (env: NodeJS.ProcessEnv) => execFileSync('sort', ['-s', file], { env, maxBuffer: 1 << 26 })
      const expected = sort(environment)
      expect(expected.equals(sort({ PATH: process.env.PATH, LC_ALL: 'C' }))).toBe(false)

      const client = await server.connect()
      const database = `bytes_${language.toLowerCase()}`
      // What is no UTF-8 can only be in a database that has no encoding.
      await client.query(`create database ${database} template template0 encoding 'SQL_ASCII' locale 'C'`)
      const session = await server.connect({ database })
      await session.query(`create collation own (provider = libc, locale = '${name}')`)
      const { rows } = await session.query(
        `select string_agg(convert_to(s, 'SQL_ASCII'), '\\x0a' order by s collate own) as sorted
           from (select convert_from(b, 'SQL_ASCII') as s from unnest($1::bytea[]) b) s`,
        [strings],
      )
      expect(Buffer.concat([rows[0].sorted, Buffer.from('\n')]).equals(expected)).toBe(true)
      await session.end()
    },
    240_000,
  )
})

describe('init', () => {
  const made = async (name: string, env: NodeJS.ProcessEnv, ...options: string[]) => {
    const directory = join(folder, name)
    const init = new Command({ env: { LANG: '', LC_ALL: '', ...env } }, 'init', '-D', directory, ...options)
    expect(await init.closed, init.stderr).toBe(0)
    const server = await ServerProcess.start({ args: ['-D', directory] })
    try {
      const client = await server.connect()
      const { rows } = await client.query(
        `select datcollate, datlocprovider, current_setting('TimeZone') as zone, array(select w from unnest('{b,a,A}'::text[]) w order by w) as sorted
           from pg_database where datname = 'postgres'`,
      )
      await client.end()
      return rows[0]
    } finally {
      await server.stop()
    }
  }

  test('makes a cluster of the locale that an option names', async () => {
    expect(await made('option', { TZ: 'Europe/Berlin' }, '--locale=en_US.UTF-8')).toEqual({
      datcollate: 'en_US.UTF-8',
      datlocprovider: 'c',
      zone: 'Europe/Berlin',
      sorted: ['a', 'A', 'b'],
    })
  }, 240_000)

  test('makes one of the locale of its environment', async () => {
    expect(await made('environment', { LANG: 'de_DE.UTF-8' })).toMatchObject({
      datcollate: 'de_DE.UTF-8',
      datlocprovider: 'c',
    })
  }, 240_000)

  test.each([
    ['a name', 'Europe/Berlin', 'Europe/Berlin'],
    ['rules', 'CET-1CEST,M3.5.0,M10.5.0/3', 'CET-1CEST,M3.5.0,M10.5.0/3'],
    ['the name of the zone of the system', 'localtime', 'localtime'],
    ['what is no zone', 'Middle/Earth', systemTimeZone()],
    ['nothing', '', systemTimeZone()],
  ] as const)(
    'takes %s as initdb does',
    async (what, TZ, zone) => {
      expect(await made(`zone of ${what}`, { TZ })).toMatchObject({ zone })
      // By initdb itself.
      expect(await made(`zone of ${what} by initdb`, { TZ }, '--no-sync')).toMatchObject({ zone })
    },
    60_000,
  )

  test('refuses a locale that does not exist', async () => {
    const init = new Command({}, 'init', '-D', join(folder, 'wrong'), '--locale=xx_YY.utf8')
    expect(await init.closed).toBe(1)
    expect(init.stderr).toContain('invalid locale name "xx_YY.utf8"')
  }, 120_000)
})
