/** The linker, and what is done to everything that it makes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { logFile } from './paths.js'
import { packRelocations } from './relocations.js'
import type { Toolchain } from './toolchain.js'

/** One linear memory, made by the host, shared by all. */
export const SHARED_MEMORY = ['--import-memory', '--shared-memory', '--max-memory=4294967296']

/** Keep the names of functions, for profiles and stack traces. */
const STRIP = process.env.PGLITE_IMPORTS_DEBUG ? [] : ['--strip-all']

/** Links `file`, as the compiler sees it, and returns it. */
export async function wasmLd(toolchain: Toolchain, file: string, ...args: string[]): Promise<string> {
  const name = basename(file)
  await toolchain.run(['wasm-ld', '-o', file, ...STRIP, ...args], {
    log: logFile(`link-${name}`),
    doing: `link ${name}`,
  })
  writeFileSync(toolchain.outside(file), packRelocations(readFileSync(toolchain.outside(file))))
  return file
}
