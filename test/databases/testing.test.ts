/**
 * Projects as people have them, each for one test runner, of two files with two tests: each test adds an article to a table that has a
 * lamp, and prints what there is and in which database.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { TestDatabasesOptions } from 'pglite-imports-server/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { until } from '../fixtures/until.js'

const FIXTURES = fileURLToPath(new URL('../fixtures/testing/', import.meta.url))

/** What is run by Node in each project. */
const RUNNERS: Record<string, string[]> = {
  vitest: ['node_modules/vitest/vitest.mjs', 'run'],
  node: ['--test'],
  jest: ['node_modules/jest/bin/jest.js'],
  mocha: [
    'node_modules/mocha/bin/mocha.js',
    '--require',
    './database.mjs',
    '--timeout',
    '60000',
    '*.spec.mjs',
  ],
  playwright: ['node_modules/@playwright/test/cli.js', 'test'],
}

const PACKAGES = ['vitest', 'jest', 'mocha', '@playwright/test', 'pg']

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function projectOf(runner: string): string {
  const folder = mkdtempSync(join(tmpdir(), `testing-${runner}-`))
  folders.push(folder)
  cpSync(join(FIXTURES, runner), folder, { recursive: true })
  cpSync(join(FIXTURES, 'migrations'), join(folder, 'migrations'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  for (const name of PACKAGES)
    link(join(repository, 'node_modules', name), join(folder, 'node_modules', name))
  link(repository, join(folder, 'node_modules', 'pglite-imports-server'))
  return folder
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, 'junction')
}

interface Run {
  status: number | null
  output: string
  /** What each test has seen: the database, and the articles in it. */
  seen: { database: string; articles: string }[]
}

async function run(
  runner: string,
  folder: string,
  options: TestDatabasesOptions = {},
  fail = '',
): Promise<Run> {
  const { NODE_OPTIONS: _, VITEST: __, ...environment } = process.env
  const child: ChildProcess = spawn(process.execPath, RUNNERS[runner]!, {
    cwd: folder,
    env: {
      ...environment,
      TEST_OPTIONS: JSON.stringify(options),
      TEST_FAIL: fail,
      CI: '1',
      NODE_ENV: 'test',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', chunk => {
      output += chunk
    })
  const [status] = await once(child, 'exit')
  const lines = [...output.matchAll(/in (template_\w+): ([a-z ]+)/g)]
  return { status, output, seen: lines.map(([, database = '', articles = '']) => ({ database, articles })) }
}

const articlesIn = ({ seen }: Run) => seen.map(({ articles }) => articles).sort()

const databasesIn = ({ seen }: Run) => new Set(seen.map(({ database }) => database))

const EACH_ITS_OWN = ['lamp chair', 'lamp chair', 'lamp table', 'lamp table']

describe.each(Object.keys(RUNNERS))('with %s', runner => {
  test('each test has a database of its own, made by the migrations', { timeout: 120_000 }, async () => {
    const done = await run(runner, projectOf(runner))
    expect(done.status, done.output).toBe(0)
    expect(articlesIn(done), done.output).toEqual(EACH_ITS_OWN)
    expect(databasesIn(done).size).toBe(4)
  })

  test('each test has a transaction that is rolled back', { timeout: 120_000 }, async () => {
    const done = await run(runner, projectOf(runner), { isolation: 'transaction' })
    expect(done.status, done.output).toBe(0)
    expect(articlesIn(done), done.output).toEqual(EACH_ITS_OWN)
    expect(databasesIn(done).size).toBeLessThanOrEqual(2)
  })
})

test('each test has a server of its own, if that is what the user wants', { timeout: 240_000 }, async () => {
  const done = await run('vitest', projectOf('vitest'), { isolation: 'branch' })
  expect(done.status, done.output).toBe(0)
  expect(articlesIn(done), done.output).toEqual(EACH_ITS_OWN)
  // All have the template's name, each on its server.
  expect(databasesIn(done).size).toBe(1)
})

test('each file has a database of its own, if that is what the user wants', {
  timeout: 120_000,
}, async () => {
  const done = await run('vitest', projectOf('vitest'), { per: 'file' })
  expect(done.status, done.output).toBe(0)
  expect(articlesIn(done)).toEqual(['lamp chair', 'lamp chair', 'lamp chair table', 'lamp chair table'])
  expect(databasesIn(done).size).toBe(2)
})

test('the databases of failed tests are kept, and one can connect to them by the printed URL', {
  timeout: 120_000,
}, async () => {
  const failed = await run('vitest', projectOf('vitest'), { keepFailed: true }, 'table')
  expect(failed.status).toBe(1)
  const urls = [...failed.output.matchAll(/is kept: (postgres:\/\/\S+)/g)].map(([, url]) => url!)
  expect(urls, failed.output).toHaveLength(2)
  const pid = Number(/Stop it by "kill (\d+)"/.exec(failed.output)?.[1])
  for (const url of urls) {
    const client = new pg.Client(url)
    await client.connect()
    expect((await client.query('select name from article')).rows).toEqual([
      { name: 'lamp' },
      { name: 'table' },
    ])
    await client.end()
  }
  process.kill(pid)
  await until('the server has ended', () => !isAlive(pid))
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a template is kept between runs until a file changes', { timeout: 240_000 }, async () => {
  const project = projectOf('node')
  const cacheDir = join(project, 'cache')
  const kept = () => readdirSync(cacheDir).filter(name => name.startsWith('template_'))
  const first = await run('node', project, { cacheDir })
  expect(articlesIn(first), first.output).toEqual(EACH_ITS_OWN)
  const [template] = kept()
  const second = await run('node', project, { cacheDir })
  expect(articlesIn(second), second.output).toEqual(EACH_ITS_OWN)
  expect(kept()).toEqual([template])
  writeFileSync(join(project, 'migrations', '3_desk.sql'), "insert into article values ('desk')")
  const third = await run('node', project, { cacheDir })
  expect(articlesIn(third), third.output).toEqual(
    EACH_ITS_OWN.map(articles => articles.replace('lamp', 'lamp desk')),
  )
  expect(kept()).toHaveLength(1)
  expect(kept()).not.toEqual([template])
})
