/** Where the built files lie, and what is in them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder that the build fills: postgres.wasm, kernel.wasm, the cluster template, share/. */
export const artefactsDir = fileURLToPath(new URL('../../wasm/dist/', import.meta.url))

/** The path that the server takes for its own: it finds its share/ folder beside it. */
export const postgresPath = `${artefactsDir}bin/postgres`

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
}

let programs: Programs | undefined

/** Compiles the modules, once per Node process: threads share the code. */
export function loadPrograms(): Programs {
  programs ??= { kernel: compile('kernel.wasm'), postgres: compile('postgres.wasm') }
  return programs
}

/** For the build: any other program of its folder. */
export function loadProgram(file: string): Programs {
  return { kernel: compile('kernel.wasm'), postgres: new WebAssembly.Module(readFileSync(file)) }
}
