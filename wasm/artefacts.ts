/** Where the built files lie, and what is in them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tuneEngine } from './engine.js'
import type { LoadableModules } from './loadable-modules.js'

/** The folder that the build fills: postgres.wasm, kernel.wasm, lib/, the cluster template, share/. */
export const artefactsDir = fileURLToPath(new URL('../../wasm/dist/', import.meta.url))

/** The path that the server takes for its own: it finds its share/ folder beside it. */
export const postgresPath = `${artefactsDir}bin/postgres`

/** What processes see of an environment. A child looks for the server's path as a shell would. */
export const environment = { PATH: `${artefactsDir}bin`, LC_ALL: 'C', TZ: 'UTC' }

function compile(name: string): WebAssembly.Module {
  let bytes: Buffer<ArrayBuffer>
  try {
    bytes = readFileSync(artefactsDir + name)
  } catch (error) {
    throw new Error(`${artefactsDir}${name} is missing: build it by "npm run build"`, { cause: error })
  }
  return new WebAssembly.Module(bytes)
}

export interface Programs {
  readonly kernel: WebAssembly.Module
  readonly postgres: WebAssembly.Module
  readonly modules: LoadableModules
}

let programs: Programs | undefined

/** Compiles the modules, once per Node process: threads share the code. */
export function loadPrograms(): Programs {
  if (programs === undefined) {
    programs = {
      kernel: loadKernel(),
      postgres: compile('postgres.wasm'),
      modules: compileLoadable(),
    }
  }
  return programs
}

/** The kernel alone, for a program that starts no servers. */
export function loadKernel(): WebAssembly.Module {
  tuneEngine()
  return compile('kernel.wasm')
}

function compileLoadable(): LoadableModules {
  const files = readdirSync(`${artefactsDir}lib`).filter(file => file.endsWith('.so'))
  return new Map(files.map(file => [file.slice(0, -'.so'.length), compile(`lib/${file}`)]))
}

/** Any other program. */
export function loadProgram(file: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(file))
}
