/** ICU's collations. A process loads ICU when it first needs it, and of its data what it needs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Command } from '../fixtures/command.js'
import { ServerProcess, useServer } from '../fixtures/server.js'

describe('a server', () => {
  const server = useServer()
  const sorted = async (collation: string, words: string[], database = 'postgres') => {
    const client = await server.connect({ database })
    const { rows } = await client.query(
      `select array_agg(w order by w ${collation && `collate "${collation}"`}) as sorted from unnest($1::text[]) w`,
      [words],
    )
    return rows[0].sorted
  }

  test('sorts as each language does', async () => {
    const words = ['z', 'ä', 'a', 'Z', 'ö', 'o']
    expect(await sorted('de-x-icu', words)).toEqual(['a', 'ä', 'o', 'ö', 'z', 'Z'])
    expect(await sorted('sv-x-icu', words)).toEqual(['a', 'o', 'z', 'Z', 'ä', 'ö'])
    expect(await sorted('ucs_basic', words)).toEqual(['Z', 'a', 'o', 'z', 'ä', 'ö'])
    expect(await sorted('cs-x-icu', ['ch', 'ci', 'h', 'c'])).toEqual(['c', 'ci', 'h', 'ch'])
    expect(await sorted('zh-x-icu', ['张', '李', '王'])).toEqual(['李', '王', '张'])
  })

  test('has the collations that initdb finds in ICU', async () => {
    const client = await server.connect()
    const { rows } = await client.query(
      `select count(*) > 800 as many, bool_and(collversion = pg_collation_actual_version(oid)) as current,
              max(obj_description(oid, 'pg_collation')) filter (where collname = 'de-AT-x-icu') as comment
         from pg_collation where collprovider = 'i'`,
    )
    expect(rows).toEqual([{ many: true, current: true, comment: 'German (Austria)' }])
  })

  test('compares without case, or without accents, by collations that say so', async () => {
    const client = await server.connect()
    await client.query(`create collation no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create collation no_accent (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
      create table people (name text collate no_case unique)`)
    await client.query(`insert into people values ('Ångström')`)
    await expect(client.query(`insert into people values ('ÅNGSTRÖM')`)).rejects.toMatchObject({
      code: '23505',
    })
    const { rows } = await client.query(
      `select name from people where name = 'ångström' and name collate no_accent = 'ANGSTROM'`,
    )
    expect(rows).toEqual([{ name: 'Ångström' }])
  })

  test('sorts numbers by their value, and by rules of the user', async () => {
    const client = await server.connect()
    await client.query(`create collation numeric_order (provider = icu, locale = 'en-u-kn');
      create collation reversed (provider = icu, locale = 'und', rules = '&b < a')`)
    expect(await sorted('numeric_order', ['a10', 'a2', 'a1'])).toEqual(['a1', 'a2', 'a10'])
    expect(await sorted('reversed', ['a', 'b', 'c'])).toEqual(['b', 'a', 'c'])
  })

  test('changes case as a language does', async () => {
    const client = await server.connect()
    const { rows } = await client.query(
      `select upper('istanbul' collate "tr-x-icu") as i, lower('IĞDIR' collate "tr-x-icu"), upper('straße' collate "de-x-icu"),
              initcap('hello wORLD' collate "en-x-icu"), 'É' ~* 'é' collate "fr-x-icu" as matches`,
    )
    expect(rows).toEqual([
      { i: 'İSTANBUL', upper: 'STRASSE', lower: 'ığdır', initcap: 'Hello World', matches: true },
    ])
  })

  test.each([
    ['UTF8', ['a', 'å', 'z'], ['a', 'z', 'å']],
    ['LATIN1', ['a', 'å', 'z'], ['a', 'z', 'å']],
    ['WIN1251', ['я', 'а', 'Б'], ['а', 'Б', 'я']],
    ['EUC_JP', ['い', 'あ', 'ア'], ['あ', 'ア', 'い']],
  ])('has databases of this provider, encoded as %s', async (encoding, words, expected) => {
    const client = await server.connect()
    const name = `icu_${encoding.toLowerCase()}`
    await client.query(
      `create database ${name} locale_provider icu icu_locale 'sv' locale 'C' encoding '${encoding}' template template0`,
    )
    expect(await sorted('', words, name)).toEqual(expected)
  })
})

test('init makes a cluster whose databases sort by ICU', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'icu-'))
  try {
    const init = new Command(
      ...['init', '-D', join(folder, 'data'), '--no-sync', '--locale-provider=icu', '--icu-locale=da'],
    )
    expect(await init.closed).toBe(0)
    const server = await ServerProcess.start({ args: ['-D', join(folder, 'data')] })
    try {
      const client = await server.connect()
      const { rows } = await client.query(
        `select datlocprovider, datlocale, array(select w from unnest('{å,z,a}'::text[]) w order by w) as sorted
           from pg_database where datname = 'postgres'`,
      )
      expect(rows).toEqual([{ datlocprovider: 'i', datlocale: 'da', sorted: ['a', 'z', 'å'] }])
      await client.end()
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 240_000)
