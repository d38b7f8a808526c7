/** What TypeScript finds in the npm package, however a project resolves its modules. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { installPackage, removePackage } from '../fixtures/installed-package.js'

const NAME = 'pglite-imports-server'

/** Entries that require() has no file for: what they are for is written in modules. */
const MODULES_ONLY = [
  ...[
    './embedded',
    './browser',
    './workers',
    './workers/module',
    './workers/icu',
    './workers/locales',
    './testing/vitest',
  ],
]

let folder: string
let archive: string
beforeAll(async () => {
  folder = await installPackage()
  archive = join(folder, readdirSync(folder).find(name => name.endsWith('.tgz'))!)
}, 120_000)
afterAll(() => removePackage(folder))

/** Runs a program of this repository to its end. @throws an Error with what it has printed, if it fails */
async function run(program: string, ...args: string[]): Promise<string> {
  const file = join(repository, 'node_modules/.bin', program)
  const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1' } }
  try {
    return (await promisify(execFile)(file, args, options)).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${args.join(' ')}:\n${stdout}${stderr}`)
  }
}

const entries = (): string[] =>
  Object.keys(
    (
      JSON.parse(readFileSync(join(folder, 'node_modules', NAME, 'package.json'), 'utf8')) as {
        exports: object
      }
    ).exports,
  ).filter(entry => !/\.(json|wasm)$/.test(entry))

test('publint finds nothing in the package', async () => {
  expect(await run('publint', '--strict', archive)).toContain('All good!')
})

test('@arethetypeswrong/cli finds nothing in the entries for import and require()', async () => {
  const both = entries().filter(entry => !MODULES_ONLY.includes(entry))
  expect(await run('attw', archive, '--entrypoints', ...both)).toContain('No problems found')
})

test('@arethetypeswrong/cli finds nothing in the entries for import only', async () => {
  const output = await run('attw', archive, '--profile', 'esm-only', '--entrypoints', ...MODULES_ONLY)
  for (const entry of MODULES_ONLY) expect(output).toContain(entry.slice('.'.length))
})

/** Uses all entries that a project of Node can have. */
const PROJECT = `
import type { Duplex } from 'node:stream'
import { type PostgresServer, StartupError, startBridge, startServer } from '${NAME}'
import { setUpDatabases, type TestDatabase } from '${NAME}/testing'
import { databases as forJest } from '${NAME}/testing/jest'
import { databases as forMocha } from '${NAME}/testing/mocha'
import { databases as forNode } from '${NAME}/testing/node'
import { createPostgresModule, type PostgresModule } from '${NAME}/wasm'

export async function main(): Promise<void> {
  await using server: PostgresServer = await startServer({ port: 0, settings: { work_mem: '6MB' } })
  const stream: Duplex = server.connect()
  stream.destroy()
  await using pool = await server.databases({ template: 'shop' })
  await using taken = await pool.take()
  const url: string = taken.url
  // @ts-expect-error: what an option is must be known
  await startServer({ prot: 0 })
  // @ts-expect-error: no port is a text
  await startBridge({ url, port: '5432' })
  const module: PostgresModule = await createPostgresModule({ settings: { jit: 'off' } })
  module._interactive_one(0)
  const stop: () => Promise<void> = await setUpDatabases({ files: 'migrations/*.sql' })
  await stop()
  const global: () => Promise<void> = forJest()
  await global()
  forMocha({ per: 'file' })
  const { database } = forNode()
  const one: TestDatabase = await database({ after() {} })
  console.log((await one.client.query<{ n: number }>('select 1 as n')).rows[0]?.n, StartupError.name)
}
`

/** The same for what only modules can import. */
const MODULE = `
import { createPostgres, type EmbeddedPostgres, loadModule } from '${NAME}/embedded'
import { createPostgres as createInObject } from '${NAME}/workers'
import module from '${NAME}/workers/module'

export async function main(): Promise<void> {
  await using postgres: EmbeddedPostgres = await createPostgres({ module: await loadModule() })
  postgres.connect().destroy()
  await using inObject = await createInObject({ module })
  const { rows } = await inObject.query<{ n: number }>('select 1 as n')
  console.log(rows[0]?.n)
}
`

describe.each([
  ['node10', 'commonjs', 'project.ts', PROJECT],
  ['node16', 'node16', 'project.cts', PROJECT],
  ['node16', 'node16', 'project.mts', PROJECT + MODULE.replace('main', 'inModule')],
  ['nodenext', 'nodenext', 'project.cts', PROJECT],
  ['nodenext', 'nodenext', 'project.mts', PROJECT + MODULE.replace('main', 'inModule')],
  ['bundler', 'esnext', 'project.ts', PROJECT + MODULE.replace('main', 'inModule')],
  ['bundler', 'preserve', 'project.cts', PROJECT],
])('with moduleResolution %s and module %s', (moduleResolution, module, file, text) => {
  test(`${file} is compiled, all declarations checked`, async () => {
    writeFileSync(join(folder, file), text)
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable', 'dom'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(repository, 'node_modules/@types')],
    }
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }))
    await run('tsc', '-p', config)
  })
})
