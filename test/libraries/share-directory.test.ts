/** Directories beside the installation's share/: docs/share-directory.md, whose example is run here. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/system.js'
import { Command } from '../fixtures/command.js'
import { blocksBelow, DocumentedCommands } from '../fixtures/documented-commands.js'
import { useServer } from '../fixtures/server.js'

const folder = mkdtempSync(join(tmpdir(), 'share-directory-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}

test('the example of docs/share-directory.md does what the document says', async () => {
  const place = mkdtempSync(join(folder, 'example-'))
  const port = await freePort()
  const commands = new DocumentedCommands({
    folder: place,
    port,
    names: { '-h localhost': `-h 127.0.0.1 -p ${port}` },
  })
  const [files = '', sql = ''] = blocksBelow('docs/share-directory.md', 'Example')
  try {
    await commands.run(files)
    // A shell that runs one line has no alias of the line before.
    const [alias, ...lines] = sql.trim().split('\n')
    const psql = /^alias sql='(.*)'$/.exec(alias!)![1]!
    const printed = await commands.run(lines.map(line => line.replace(/^sql/, psql)).join('\n'))
    expect(printed.trim()).toBe('{pgsql}|{}|Hello world|2026-01-01 06:30:00')
  } finally {
    await commands.close()
  }
}, 60_000)

describe('a server with share directories', () => {
  write('first/tsearch_data/same.syn', 'cat first\n')
  write('second/tsearch_data/same.syn', 'cat second\n')
  // In place of a file of the installation.
  write('second/tsearch_data/english.stop', 'cat\n')
  write('second/tsearch_data/own.dict', '2\nhaus/P\nboot\n')
  write('second/tsearch_data/own.affix', 'SET UTF-8\nSFX P Y 1\nSFX P 0 en .\n')
  write('elsewhere.syn', 'linked target\n')
  symlinkSync(join(folder, 'elsewhere.syn'), join(folder, 'first/tsearch_data/linked.syn'))
  write('third/extension/linked.control', "default_version = '2'\n")
  write('elsewhere.sql', 'create function of_link() returns int return 2;\n')
  symlinkSync(join(folder, 'elsewhere.sql'), join(folder, 'third/extension/linked--2.sql'))
  write('by_setting/extension/by_setting.control', "default_version = '1'\n")
  write('by_setting/extension/by_setting--1.sql', 'create function of_setting() returns int return 1;\n')
  write('secret', 'secret\n')

  const server = useServer({
    args: [
      ...['first', 'second', 'third'].flatMap(name => ['--share-dir', join(folder, name)]),
      ...['-c', `extension_control_path=${join(folder, 'by_setting')}:$system`],
    ],
  })

  test('reads dictionaries from the first one that has the file, and by links', async () => {
    const client = await server.connect()
    for (const name of ['same', 'linked'])
      await client.query(`create text search dictionary ${name} (template = synonym, synonyms = ${name})`)
    await client.query(`create text search dictionary own (template = ispell, dictfile = own, afffile = own)`)
    const { rows } = await client.query(
      `select ts_lexize('same', 'cat') as same, ts_lexize('linked', 'linked') as linked, ts_lexize('own', 'hausen') as own,
              ts_lexize('english_stem', 'cat') as stopped, ts_lexize('english_stem', 'the') as the`,
    )
    expect(rows).toEqual([{ same: ['first'], linked: ['target'], own: ['haus'], stopped: [], the: ['the'] }])
  })

  test('has extensions of theirs, of extension_control_path, and its own', async () => {
    const client = await server.connect()
    await client.query('create extension linked; create extension by_setting; create extension citext')
    const { rows } = await client.query(`select of_link(), of_setting(), 'A'::citext = 'a' as citext`)
    expect(rows).toEqual([{ of_link: 2, of_setting: 1, citext: true }])
  })

  test('gives SQL no more than the files of these folders', async () => {
    const client = await server.connect()
    const path = join(folder, 'first/tsearch_data')
    for (const file of [join(folder, 'secret'), join(path, '../../secret')])
      await expect(client.query('select pg_read_file($1)', [file])).rejects.toThrow('Permission denied')
    for (const file of [join(path, 'new.syn'), join(folder, 'third/extension/new.sql')])
      await expect(client.query(`copy (select 1) to '${file}'`)).rejects.toThrow('Permission denied')
  })
})

function linkToItself(): string {
  const path = join(folder, 'itself')
  symlinkSync(path, path)
  return path
}

test.for<[what: string, make: () => string, reason: string]>([
  ['missing', () => join(folder, 'missing'), 'no such directory'],
  ['a file', () => write('file', ''), 'it is not a directory'],
  ['no more than a link to itself', linkToItself, 'too many symbolic links'],
  [
    'of something else',
    () => join(write('other/tsearch/own.syn', ''), '../..'),
    'none of the folders tsearch_data, timezonesets, extension',
  ],
])('a share directory that is %s is refused in one line', async ([, make, reason]) => {
  const path = make()
  const server = new Command('-p', '0', '--share-dir', path)
  expect(await server.closed).toBe(1)
  expect(server.stderr).toMatch(/^pglite-imports-server: [^\n]*\n$/)
  expect(server.stderr).toContain(path)
  expect(server.stderr).toContain(reason)
})
