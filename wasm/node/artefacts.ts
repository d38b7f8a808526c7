/** Where the built files lie, and what is in them. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Programs } from '../cluster/programs.js'
import type { LoadableModules } from '../machine/loadable-modules.js'
import { tuneEngine } from './engine.js'

/** The folder that the build fills: postgres.wasm, kernel.wasm, lib/, the cluster template, share/. */
export const artefactsDir = fileURLToPath(new URL('../../../wasm/dist/', import.meta.url))

/** The path that the server takes for its own: it finds its share/ folder beside it. */
export const postgresPath = `${artefactsDir}bin/postgres`

/** What processes see of an environment. A child looks for the server's path as a shell would, ICU for its data. */
export const environment = {
  PATH: `${artefactsDir}bin`,
  LC_ALL: 'C',
  TZ: 'UTC',
  ICU_DATA: `${artefactsDir}share`,
}

/** What compile() reads into. The engine makes a copy, so that one for each of so many files would only be garbage. */
let buffer = new Uint8Array()

function compile(name: string): WebAssembly.Module {
  const path = resolve(artefactsDir, name)
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new Error(`${path} is missing: build it by "npm run build"`, { cause: error })
  }
  try {
    const { size } = fstatSync(file)
    if (buffer.length < size) buffer = new Uint8Array(size)
    let at = 0
    for (let read = 1; read > 0 && at < size; at += read) read = readSync(file, buffer, at, size - at, at)
    return new WebAssembly.Module(buffer.subarray(0, at))
  } finally {
    closeSync(file)
  }
}

/** The programs as they lie in the package. */
export interface PackagedPrograms extends Programs {
  readonly modules: ModuleFiles
}

let programs: PackagedPrograms | undefined

/** Compiles the programs, once per Node process: threads share the code. */
export function loadPrograms(): PackagedPrograms {
  if (programs === undefined) {
    programs = {
      kernel: loadKernel(),
      postgres: compile('postgres.wasm'),
      modules: new ModuleFiles(),
    }
  }
  return programs
}

/** The kernel alone, for a program that starts no servers. Tests name the file of one that has assertions. */
export function loadKernel(): WebAssembly.Module {
  tuneEngine()
  return compile(process.env.PGLITE_IMPORTS_KERNEL ?? 'kernel.wasm')
}

/** The loadable modules, each compiled when somebody first asks for it. */
class ModuleFiles implements LoadableModules {
  readonly #names = new Set(
    readdirSync(`${artefactsDir}lib`).flatMap(file => (file.endsWith('.so') ? file.slice(0, -3) : [])),
  )
  readonly #compiled = new Map<string, WebAssembly.Module>()

  get(name: string): WebAssembly.Module | undefined {
    if (!this.#compiled.has(name) && this.#names.has(name))
      this.#compiled.set(name, compile(`lib/${name}.so`))
    return this.#compiled.get(name)
  }

  /** Compiles the others, one in each turn of the event loop. What cannot be compiled is left to who asks for it. */
  async compileAll(): Promise<void> {
    for (const name of this.#names) {
      if (this.#compiled.has(name)) continue
      await new Promise(resolve => setImmediate(resolve))
      try {
        this.get(name)
      } catch {
        // It is tried again, and the error told, when a process needs it.
      }
    }
    buffer = new Uint8Array()
  }
}

/** Any other program. */
export function loadProgram(file: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(file))
}
