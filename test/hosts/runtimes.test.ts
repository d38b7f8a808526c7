/** The embedded server in Deno and Bun, from the npm package. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { WORKS } from '../fixtures/embedded/expected.js'
import { installPackage, removePackage } from '../fixtures/installed-package.js'

const require = createRequire(import.meta.url)

const RUNTIMES = [
  {
    name: 'Deno',
    command: require.resolve('deno/bin.cjs'),
    args: ['run', '--no-prompt', '--allow-read=.', '--allow-env'],
  },
  { name: 'Bun', command: require.resolve('bun/bin/bun.exe'), args: ['run'] },
]

let folder: string | undefined

beforeAll(async () => {
  folder = await installPackage()
  for (const name of ['try-postgres.ts', 'try-server.ts'])
    copyFileSync(join(repository, 'test', 'fixtures', 'embedded', name), join(folder, name))
  const script = `
    import { tryPostgres } from './try-postgres.ts'
    console.log(JSON.stringify(await tryPostgres()))
  `
  writeFileSync(join(folder, 'main.ts'), script)
}, 600_000)

afterAll(() => removePackage(folder))

test.each(RUNTIMES)(
  'in $name sessions wait for each other, and one runs to completion',
  ({ command, args }) => {
    const output = execFileSync(command, [...args, 'main.ts'], { cwd: folder, encoding: 'utf8' })
    expect(JSON.parse(output)).toMatchObject(WORKS)
  },
  120_000,
)

test.each([{ ...RUNTIMES[0]!, args: ['run', '--no-prompt', '--allow-all'] }, RUNTIMES[1]!])(
  'in $name startServer() serves TCP and TLS from a data directory, without threads',
  ({ name, command, args }) => {
    const dataDir = join(folder!, `data-${name}`)
    const output = execFileSync(command, [...args, 'try-server.ts', dataDir], {
      cwd: folder,
      encoding: 'utf8',
    })
    const threads = "this runtime's threads cannot run processes of PostgreSQL: leave out `threads`"
    const kept = [{ one: 1 }]
    expect(JSON.parse(output)).toEqual([
      [],
      '54001',
      [],
      '54001',
      [{ one: 1 }],
      kept,
      [{ ssl: true }],
      threads,
    ])
  },
  120_000,
)
