/** The packed package, installed by pnpm and by Yarn with Plug'n'Play, whose node_modules are links or none at all. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'

let place: string
let archive: string
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'managers-'))
  await promisify(execFile)('npm', ['pack', '--pack-destination', place], { cwd: repository })
  archive = join(place, readdirSync(place).find(name => name.endsWith('.tgz'))!)
}, 120_000)
afterAll(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }))

test.each([
  { name: 'pnpm', program: 'pnpm@9', add: ['add'], run: ['exec'] },
  { name: 'Yarn', program: '@yarnpkg/cli-dist@4', add: ['add'], run: [] },
])(
  '$name installs a package that starts servers',
  async ({ name, program, add, run }) => {
    const folder = join(place, name)
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true, "type": "module" }')
    writeFileSync(join(folder, 'yarn.lock'), '')
    cpSync(join(repository, 'test/bundles/projects/program.mjs'), join(folder, 'program.mjs'))
    const env = { ...process.env, PGLITE_IMPORTS_KERNEL: undefined, YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' }
    const outputOf = async (...args: string[]) =>
      (await promisify(execFile)('npx', ['--yes', program, ...args], { cwd: folder, env })).stdout
    await outputOf(...add, 'pg', `pglite-imports-server@file:${archive}`)
    expect(await outputOf(...run, 'node', 'program.mjs')).toBe('value 1\n')
    const command = ['pglite-imports-server', '-p', '0', '--run', 'echo $DATABASE_URL']
    expect(await outputOf(...run, ...command)).toMatch(/^postgres:\/\/postgres@localhost:\d+\/postgres$/m)
  },
  180_000,
)
