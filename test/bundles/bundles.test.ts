/**
 * Programs whose bundler has moved the package's code away from its files: what they find, what they say if they do not, and that what they
 * say helps.
 */
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { installPackage, removePackage } from '../fixtures/installed-package.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

const NAME = 'pglite-imports-server'
const PROJECTS = join(repository, 'test/bundles/projects')

interface Bundler {
  readonly name: string
  /** The program of node_modules/.bin and its arguments. */
  readonly build: readonly string[]
  /** The same with the package kept out of the bundle. */
  readonly external?: readonly string[]
  /** What is built, and how it is run. */
  readonly output: string
  readonly run: (file: string) => readonly [string, ...string[]]
  readonly advice: string
}

const byNode = (file: string): [string, string] => [process.execPath, file]

const ESBUILD = ['esbuild', 'program.mjs', '--bundle', '--platform=node', '--log-level=warning']
const BANNER =
  "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"

const bundlers: readonly Bundler[] = [
  {
    name: 'esbuild, as CommonJS',
    build: [...ESBUILD, '--outfile=out/program.cjs'],
    external: [...ESBUILD, `--external:${NAME}`, '--outfile=out/program.cjs'],
    output: 'program.cjs',
    run: byNode,
    advice: `--external:${NAME}`,
  },
  {
    name: 'esbuild, as modules',
    build: [...ESBUILD, '--format=esm', BANNER, '--outfile=out/program.mjs'],
    external: [...ESBUILD, '--format=esm', BANNER, `--external:${NAME}`, '--outfile=out/program.mjs'],
    output: 'program.mjs',
    run: byNode,
    advice: `--external:${NAME}`,
  },
  {
    name: 'webpack',
    build: ['webpack', '--config', 'webpack.config.cjs'],
    external: ['webpack', '--config', 'webpack.config.cjs'],
    output: 'program.cjs',
    run: byNode,
    advice: `write externals: { '${NAME}': 'commonjs ${NAME}' } into webpack.config`,
  },
  {
    name: 'Vite, for a server',
    build: ['vite', 'build'],
    external: ['vite', 'build'],
    output: 'program.js',
    run: byNode,
    advice: `ssr: { external: ['${NAME}'] } in vite.config`,
  },
  {
    name: 'bun --compile',
    build: ['bun', 'build', '--compile', 'program.mjs', '--outfile', 'out/program'],
    output: 'program',
    run: file => [file],
    advice: `put a copy of node_modules/${NAME} beside the executable`,
  },
]

/** The package, installed. */
let project: string
/** A folder with whatever else the program needs. */
let elsewhere: string

beforeAll(async () => {
  project = await installPackage()
  cpSync(PROJECTS, project, { recursive: true })
  for (const name of ['webpack', 'vite']) cpSync(join(PROJECTS, name), project, { recursive: true })
  elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  mkdirSync(join(elsewhere, 'node_modules'))
  for (const name of readdirSync(join(project, 'node_modules')))
    if (name !== NAME && !name.startsWith('.'))
      symlinkSync(join(project, 'node_modules', name), join(elsewhere, 'node_modules', name))
})
afterAll(() => {
  removePackage(project)
  rmSync(elsewhere, { recursive: true, force: true })
})

async function build(command: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<void> {
  const [program = '', ...args] = command
  rmSync(join(project, 'out'), { recursive: true, force: true })
  await promisify(execFile)(join(repository, 'node_modules/.bin', program), args, {
    cwd: project,
    env: { ...process.env, ...environment },
  })
}

/** Runs what was built, in a folder. Returns what it prints. */
async function run({ run, output }: Bundler, folder: string, ...args: string[]): Promise<string> {
  const [program, ...first] = run(join(folder, output))
  const options = { cwd: folder, env: environment }
  const { stdout } = await promisify(execFile)(program, [...first, ...args], options).catch(error => error)
  return stdout.trim()
}

/** Without what this repository's tests say to servers. */
let environment: NodeJS.ProcessEnv = { ...process.env, PGLITE_IMPORTS_KERNEL: undefined }

/** Moves what was built to the folder without the package. */
function move(): string {
  const folder = join(elsewhere, 'out')
  rmSync(folder, { recursive: true, force: true })
  cpSync(join(project, 'out'), folder, { recursive: true })
  // webpack writes into a bundle where the package was when it was built.
  rmSync(join(project, 'out'), { recursive: true })
  return folder
}

/** Runs a function while the package is not where it was installed. */
async function whileHidden(act: (hidden: string) => Promise<void>): Promise<void> {
  const [place, hidden] = [join(project, 'node_modules', NAME), join(project, 'hidden')]
  renameSync(place, hidden)
  try {
    await act(hidden)
  } finally {
    renameSync(hidden, place)
  }
}

describe.each(bundlers)('a bundle by $name', bundler => {
  test('runs where the package is installed', async () => {
    await build(bundler.build)
    expect(await run(bundler, join(project, 'out'))).toBe('value 1')
  })

  test('says elsewhere what to write into which configuration, in one line', async () => {
    const folder = move()
    await whileHidden(async hidden => {
      const output = await run(bundler, folder)
      expect(output).toMatch(
        /^StartupError: the code of pglite-imports-server is in a bundle, and its files are not beside it: .*$/,
      )
      expect(output).toContain(bundler.advice)
      expect(output).toContain('PGLITE_IMPORTS_PACKAGE')

      expect(await run(bundler, folder, hidden)).toBe('value 1')
      expect(await run(bundler, folder, elsewhere)).toMatch(
        /^StartupError: the option packageDir names .*elsewhere-\w+, in which there is no wasm.dist.postgres.wasm$/,
      )
      environment = { ...environment, PGLITE_IMPORTS_PACKAGE: hidden }
      expect(await run(bundler, folder)).toBe('value 1')
      environment = { ...environment, PGLITE_IMPORTS_PACKAGE: undefined }
      symlinkSync(hidden, join(folder, NAME))
      expect(await run(bundler, folder)).toBe('value 1')
    })
  })

  const { external } = bundler
  if (external !== undefined)
    test('runs when it was built as that line says', async () => {
      await build(external, { EXTERNAL: '1' })
      expect(existsSync(join(project, 'out', bundler.output))).toBe(true)
      expect(await run(bundler, join(project, 'out'))).toBe('value 1')
    })
})

test('a program in app.asar finds the package beside it, unpacked', async () => {
  const application = join(elsewhere, 'app.asar')
  const code = join(application, 'node_modules', NAME)
  mkdirSync(code, { recursive: true })
  cpSync(join(PROJECTS, 'program.mjs'), join(application, 'program.mjs'))
  await whileHidden(async hidden => {
    for (const name of ['package.json', 'dist'])
      cpSync(join(hidden, name), join(code, name), { recursive: true })
    const unpacked = join(elsewhere, 'app.asar.unpacked/node_modules')
    mkdirSync(unpacked, { recursive: true })
    symlinkSync(hidden, join(unpacked, NAME))
    const program = { ...bundlers[0]!, output: 'program.mjs' }
    expect(await run(program, application)).toBe('value 1')

    // An archive with all in it, in which Electron finds the files, and threads do not. What is near, such as the project, does not count.
    rmSync(unpacked, { recursive: true })
    symlinkSync(join(hidden, 'wasm'), join(code, 'wasm'))
    symlinkSync(hidden, join(application, NAME))
    const output = await run(program, application)
    expect(output).toMatch(
      /^StartupError: the code of \S+ is in an asar archive, .*asarUnpack: .*unpackDir: /,
    )
    expect(await run(program, application, code)).toMatch(
      /^StartupError: the option packageDir names .*, in an asar archive: write asarUnpack/,
    )
  })
})
