/**
 * Gathers the files of wasm/dist/. A program finds share/ and lib/ from the place of its executable, so there is an
 * empty file in bin/ for each. PostgreSQL looks whether there is a file NAME.so before it loads a module, so there is an empty one beside
 * each NAME.so.wasm, whose own name tells bundlers what it is.
 */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Linked } from './link.js'
import type { LoadableModules } from './loadable-modules.js'
import type { Locales } from './locales.js'
import { dist } from './paths.js'
import type { Objects } from './postgres.js'
import type { Toolchain } from './toolchain.js'

/** Files that only initdb reads. */
export const FOR_INITDB =
  /\.(bki|sample)$|^(errcodes|sql_features)\.txt$|^(information_schema|snowball_create|system_\w+)\.sql$/

/** Those whose order is compared with that of glibc itself. */
const TESTED_LOCALES = ['en_US', 'de_DE', 'sv_SE', 'cs_CZ', 'ja_JP', 'tr_TR', 'uk_UA']

/** Fills a folder with the files that need no running server: everything but files.bin, template.bin, module.js and the manifest. */
export function gather(
  toolchain: Toolchain,
  linked: Linked,
  objects: Objects,
  modules: readonly Modules[],
  clients: Modules,
  folder: string,
): void {
  for (const file of [linked.kernel, linked.postgres])
    cpSync(toolchain.outside(file), join(folder, basename(file)))
  mkdirSync(join(folder, 'bin'))
  for (const name of ['postgres', 'initdb', ...clients.names])
    writeFileSync(join(folder, 'bin', name), '', { mode: 0o755 })
  for (const each of modules) copyModules(toolchain, each, join(folder, 'lib'))
  cpSync(toolchain.outside(`${objects.installed}/share`), join(folder, 'share'), { recursive: true })
  // The zone of the system, for which a host that knows another one than UTC opens another file.
  const zones = join(folder, 'share', 'timezone')
  cpSync(join(zones, 'UTC'), join(zones, 'localtime'))
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  for (const file of [linked.initdb, linked.client])
    cpSync(toolchain.outside(file), join(programs, basename(file)))
  for (const name of clients.names)
    cpSync(toolchain.outside(`${clients.folder}/${name}.so`), join(programs, `${name}.so.wasm`))
  writeCommands(clients.names, join(folder, 'commands'))
}

/** A script for each client program, under its own name, and for Windows a batch file: for the PATH, and for npm. */
function writeCommands(names: readonly string[], folder: string): void {
  mkdirSync(folder)
  for (const name of names) {
    writeFileSync(join(folder, name), COMMAND, { mode: 0o755 })
    writeFileSync(join(folder, `${name}.cmd`), BATCH_FILE.replace('NAME', name))
  }
}

const COMMAND = "#!/usr/bin/env node\nimport '../../../dist/bin/program.js'\n"
const BATCH_FILE = '@node "%~dp0NAME" %*\r\n'

/**
 * Fills a folder with what tests need besides: the kernels that they run on, and the modules for PostgreSQL's own tests with their
 * SQL and control files.
 */
export function gatherForTests(
  toolchain: Toolchain,
  linked: Linked,
  objects: Objects,
  modules: LoadableModules,
  locales: Locales,
  folder: string,
): void {
  copyModules(toolchain, modules, join(folder, 'lib'))
  for (const name of TESTED_LOCALES)
    for (const [category, compiled] of [
      ['LC_COLLATE', locales.collations],
      ['LC_CTYPE', locales.types],
    ] as const)
      cpSync(
        toolchain.outside(`${locales.compiled}/${compiled.get(name)}/${category}`),
        join(folder, 'locales', `${name}.utf8`, category),
      )
  for (const file of linked.testKernels) cpSync(toolchain.outside(file), join(folder, basename(file)))
  cpSync(toolchain.outside(`${objects.installedForTests}/share`), join(folder, 'share'), { recursive: true })
}

type Modules = Pick<LoadableModules, 'folder' | 'names'>

function copyModules(toolchain: Toolchain, modules: Modules, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of modules.names) {
    cpSync(toolchain.outside(`${modules.folder}/${name}.so`), join(folder, `${name}.so.wasm`))
    writeFileSync(join(folder, `${name}.so`), '', { mode: 0o755 })
  }
}

/** Replaces wasm/dist/ by a copy of a folder of artefacts. */
export function publish(folder: string): void {
  const fresh = `${dist}.unfinished`
  rmSync(fresh, { recursive: true, force: true })
  cpSync(folder, fresh, { recursive: true })
  rmSync(dist, { recursive: true, force: true })
  renameSync(fresh, dist)
}

/** The input hash of wasm/dist/, if it is complete. */
export function publishedInputHash(): string | undefined {
  try {
    return JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')).inputHash
  } catch {
    return undefined
  }
}
