/** The embedded server in Deno and Bun, from the npm package. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WORKS } from './expected.js'
import { installPackage, removePackage } from './package.js'

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
  copyFileSync(fileURLToPath(new URL('./embedded.mjs', import.meta.url)), join(folder, 'embedded.mjs'))
  const script = `
    import { tryPostgres } from './embedded.mjs'
    console.log(JSON.stringify(await tryPostgres()))
  `
  writeFileSync(join(folder, 'main.mjs'), script)
}, 600_000)

afterAll(() => removePackage(folder))

test.each(RUNTIMES)(
  'in $name sessions wait for each other, and one runs to completion',
  ({ command, args }) => {
    const output = execFileSync(command, [...args, 'main.mjs'], { cwd: folder, encoding: 'utf8' })
    expect(JSON.parse(output)).toMatchObject(WORKS)
  },
  120_000,
)
