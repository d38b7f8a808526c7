/** Finds and loads the build's files. */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Programs } from '../cluster/programs.js'
import type { LoadableModules } from '../machine/loadable-modules.js'
import { ICU_DATA_FOLDER } from '../machine/postgres-abi.js'
import { tuneEngine } from './engine.js'
import { packageFolder } from './package-folder.js'
import { posixPath } from './paths.js'

/** The folder of the build's files: postgres.wasm, kernel.wasm, lib/, share/, files.bin, template.bin. */
export const artefactsFolder = () => join(packageFolder(), 'wasm', 'dist')

/** The same as processes see it. */
export const installedAt = () => posixPath(artefactsFolder())

/** The path that the server takes for its own: it finds its share/ folder beside it. */
export const serverPath = () => `${installedAt()}/bin/postgres`

/** The processes' environment. PostgreSQL finds its executable by PATH. */
export const commonEnvironment = () => ({
  PATH: `${installedAt()}/bin`,
  LC_ALL: 'C',
  TZ: 'UTC',
  [ICU_DATA_FOLDER]: `${installedAt()}/share`,
})

function compile(name: string): WebAssembly.Module {
  const path = resolve(artefactsFolder(), name)
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new Error(`${path} is missing: run "npm run build"`, { cause: error })
  }
  try {
    const { size } = fstatSync(file)
    const bytes = new Uint8Array(size)
    let at = 0
    for (let read = 1; read > 0 && at < size; at += read) read = readSync(file, bytes, at, size - at, at)
    const module = new WebAssembly.Module(bytes.subarray(0, at))
    // The engine has copied the bytes. Without this, which Node 20 lacks, they take up memory until garbage is collected.
    bytes.buffer.transfer?.(0)
    return module
  } finally {
    closeSync(file)
  }
}

let programs: Programs | undefined

/** Compiles the modules, once per Node process: threads share the code. */
export function loadPrograms(): Programs {
  if (programs === undefined) {
    programs = {
      kernel: loadKernel(),
      postgres: compile('postgres.wasm'),
      modules: new ModuleFiles(),
    }
  }
  return programs
}

/** Compiles the kernel alone, for a program that starts no servers. An environment variable names the kernel with assertions of tests. */
export function loadKernel(): WebAssembly.Module {
  tuneEngine()
  return compile(process.env.PGLITE_IMPORTS_KERNEL ?? 'kernel.wasm')
}

/** The loadable modules. Each is compiled when it is first needed. */
class ModuleFiles implements LoadableModules {
  readonly #names = new Set(
    readdirSync(join(artefactsFolder(), 'lib')).flatMap(file =>
      file.endsWith('.so') ? file.slice(0, -'.so'.length) : [],
    ),
  )
  readonly #compiled = new Map<string, WebAssembly.Module>()

  get(name: string): WebAssembly.Module | undefined {
    if (!this.#compiled.has(name) && this.#names.has(name))
      this.#compiled.set(name, compile(`lib/${name}.so.wasm`))
    return this.#compiled.get(name)
  }
}

/** Compiles a program, such as initdb.wasm. */
export function loadProgram(file: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(file))
}

/** The modules that client.wasm loads: that of the program that it is to be, and foreign libraries. */
export const clientModules: LoadableModules = {
  get(name) {
    const place = ['programs', 'lib'].find(folder =>
      existsSync(resolve(artefactsFolder(), folder, `${name}.so.wasm`)),
    )
    return place === undefined ? undefined : compile(`${place}/${name}.so.wasm`)
  },
}
