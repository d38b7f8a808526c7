/**
 * docs/guides/electron.md: what electron-builder and Electron Packager make of its files finds the package's. Electron itself comes from no package
 * registry: Node is in its place, for which the archive is unpacked into a folder of its name, as Electron shows it to programs.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { stepsOf } from '../fixtures/guide.js'
import { installPackage, removePackage } from '../fixtures/installed-package.js'

const NAME = 'pglite-imports-server'
const VERSION = '44.0.0'
const PACKAGERS = ['electron-builder@26', '@electron/packager@18', '@electron/asar@3']

/** What Forge does with its configuration. */
const PACKAGER = `
  import packager from '@electron/packager'
  import config from './forge.config.js'
  const electron = { electronVersion: '${VERSION}', electronZipDir: 'electron', platform: 'linux', arch: 'x64' }
  await packager({ ...config.packagerConfig, ...electron, dir: '.', out: 'out', quiet: true, ignore: [/^\\/(electron|out)/] })
`

let project: string
beforeAll(async () => {
  project = await installPackage(undefined, ['pg'])
  const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  for (const step of stepsOf(readFileSync(join(repository, 'docs/guides/electron.md'), 'utf8')))
    if (step.kind === 'file') writeFileSync(join(project, step.name), step.text)
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ ...manifest, dependencies }))
  await run('npm', 'install', '--save-dev', '--ignore-scripts', '--no-audit', '--no-fund', ...PACKAGERS)
  writeFileSync(join(project, 'packager.mjs'), PACKAGER)
  await makeElectron()
}, 300_000)
afterAll(() => removePackage(project))

async function run(program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PGLITE_IMPORTS_KERNEL: undefined, USER_DATA: join(project, 'user') }
  const { stdout } = await promisify(execFile)(program, args, { cwd: project, env })
  return stdout
}

/** A distribution of Electron, as a folder and as an archive, in which Node is the program. */
async function makeElectron(): Promise<void> {
  const folder = join(project, 'electron/dist')
  mkdirSync(join(folder, 'resources'), { recursive: true })
  cpSync(process.execPath, join(folder, 'electron'))
  writeFileSync(join(folder, 'version'), VERSION)
  const zip = `shutil.make_archive('electron/electron-v${VERSION}-linux-x64', 'zip', 'electron/dist')`
  await run('python3', '-c', `import shutil; ${zip}`)
}

/** Packages the project. Returns the folder of the application. */
const packagers = {
  'electron-builder': async (...options: string[]) => {
    const electron = [`-c.electronVersion=${VERSION}`, '-c.electronDist=electron/dist']
    const files = ['-c.files=main.js', '-c.directories.output=out/builder']
    await run('npx', 'electron-builder', '--dir', '--linux', ...electron, ...files, ...options)
    return join(project, 'out/builder/linux-unpacked')
  },
  'Electron Packager': async () => {
    await run(process.execPath, 'packager.mjs')
    return join(project, 'out/visits-linux-x64')
  },
}

/** Starts the application once, to its end. Returns what it prints. */
async function start(application: string): Promise<string> {
  const resources = join(application, 'resources')
  const archive = join(resources, 'app.asar')
  await run('npx', 'asar', 'extract', archive, `${archive}.extracted`)
  rmSync(archive)
  renameSync(`${archive}.extracted`, archive)
  cpSync(join(repository, 'test/fixtures/electron'), join(resources, 'node_modules/electron'), {
    recursive: true,
  })
  return run(join(application, 'visits'), join(archive, 'main.js'))
}

test.each(['electron-builder', 'Electron Packager'] as const)(
  'an application by %s finds the files beside its archive, and keeps its data',
  async name => {
    const application = await packagers[name]()
    rmSync(join(project, 'user'), { recursive: true, force: true })
    expect(await start(application)).toBe('visit 1\n')
    // What is in the archive is not used: threads of Electron could not read it.
    const archive = join(application, 'resources/app.asar')
    rmSync(join(archive, 'node_modules', NAME, 'wasm'), { recursive: true })
    expect(await run(join(application, 'visits'), join(archive, 'main.js'))).toBe('visit 2\n')
  },
  300_000,
)

test('an application with the files in the archive says what to write', async () => {
  const application = await packagers['electron-builder']('-c.asarUnpack=none', '-c.asar.smartUnpack=false')
  await expect(start(application)).rejects.toThrow(
    `is in an asar archive, and its files are not beside it: write asarUnpack: ['node_modules/${NAME}/**']`,
  )
}, 300_000)
