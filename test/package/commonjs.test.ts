/** The npm package in programs that are not modules: by require(), also of Jest, which cannot require() modules. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { installPackage, removePackage } from '../fixtures/installed-package.js'

let folder: string
beforeAll(async () => {
  folder = await installPackage()
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
}, 120_000)
afterAll(() => removePackage(folder))

/** Runs a file of that text with a new process of this Node. Returns what it prints. */
function run(text: string): string {
  writeFileSync(join(folder, 'program.cjs'), text)
  return execFileSync(process.execPath, ['program.cjs'], { cwd: folder, encoding: 'utf8' })
}

test('require() gives a server with all its processes', () => {
  const output = run(`
    const pg = require('pg')
    const { startServer, StartupError } = require('pglite-imports-server')
    async function main() {
      const server = await startServer({ port: 0 })
      const client = new pg.Client(server.url)
      await client.connect()
      await client.query("create extension hstore")
      const { rows } = await client.query("select 'a=>1'::hstore -> 'a' as value")
      await client.end()
      await server.stop()
      const refused = await startServer({ dataDir: __filename }).catch(error => error)
      console.log(rows[0].value, await server.exited, refused instanceof StartupError)
    }
    main()
  `)
  expect(output).toBe('1 0 true\n')
})

test('require() gives what pglite-imports-server/wasm has', () => {
  const output = run(`
    const { createPGliteImportHandler, createPostgresModule } = require('pglite-imports-server/wasm')
    const handler = createPGliteImportHandler()
    createPostgresModule({ client: handler.imports }).then(module => {
      handler.setModule(module)
      console.log(typeof module._interactive_one)
    })
  `)
  expect(output).toBe('function\n')
})

test('require() gives databases for tests', () => {
  const output = run(`
    const test = require('node:test')
    const { databases } = require('pglite-imports-server/testing/node')
    const { database } = databases({ migrate: ({ client }) => client.query('create table goods (name text)') })
    test('has goods', async t => {
      const { client } = await database(t)
      console.log((await client.query('select count(*)::int as n from goods')).rows[0].n, 'goods')
    })
  `)
  expect(output).toMatch(/^(# )?0 goods$/m)
})

test('Jest runs a server in a test of a project that is no module', () => {
  writeFileSync(
    join(folder, 'server.test.js'),
    `
    const pg = require('pg')
    const { startServer } = require('pglite-imports-server')
    let server
    beforeAll(async () => { server = await startServer({ port: 0 }) }, 60_000)
    afterAll(() => server.stop())
    test('answers', async () => {
      const client = new pg.Client({ stream: () => server.connect(), user: 'postgres' })
      await client.connect()
      expect((await client.query('select 6 * 7 as n')).rows).toEqual([{ n: 42 }])
      await client.end()
    })
    test('is refused what it cannot have', async () => {
      await expect(startServer({ prot: 1 })).rejects.toThrow('prot')
    })
    `,
  )
  const jest = join(repository, 'node_modules/jest/bin/jest.js')
  const { stderr } = spawnSync(process.execPath, [jest, '--rootDir', folder], { encoding: 'utf8' })
  expect(stderr).toMatch(/^Tests: +2 passed, 2 total$/m)
})
