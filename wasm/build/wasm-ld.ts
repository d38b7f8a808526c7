/** Runs the linker, and changes every module that it makes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { DEBUG } from './compiler.js'
import { logFile } from './paths.js'
import { packRelocations } from './relocations.js'
import { shareConstants } from './shared-constants.js'
import type { Toolchain } from './toolchain.js'

/** One linear memory, made by the host, shared by all. */
export const SHARED_MEMORY = ['--import-memory', '--shared-memory', '--max-memory=4294967296']

/** Links `file`, as the compiler sees it, and returns it. Only a debug build has the names of functions and the lines of source. */
export async function wasmLd(toolchain: Toolchain, file: string, ...args: string[]): Promise<string> {
  return wasmLdWithLines(toolchain, file, ...(DEBUG ? [] : ['--strip-all']), ...args)
}

/** The same, with constants that all instances share; in a debug build each has its own. Returns how many bytes they have. */
export async function wasmLdWithSharedConstants(
  toolchain: Toolchain,
  file: string,
  ...args: string[]
): Promise<number> {
  if (DEBUG) {
    await wasmLd(toolchain, file, ...args)
    return 0
  }
  await runLinker(toolchain, file, '--emit-relocs', ...args)
  const { module, size } = shareConstants(readFileSync(toolchain.outside(file)))
  writeFileSync(toolchain.outside(file), packRelocations(module))
  return size
}

/** Links a file with all names and lines that the objects have. */
export async function wasmLdWithLines(
  toolchain: Toolchain,
  file: string,
  ...args: string[]
): Promise<string> {
  await runLinker(toolchain, file, ...args)
  // The lines of source refer to places in the code as the linker wrote it, so the code must stay where it is.
  if (!DEBUG) writeFileSync(toolchain.outside(file), packRelocations(readFileSync(toolchain.outside(file))))
  return file
}

async function runLinker(toolchain: Toolchain, file: string, ...args: string[]): Promise<void> {
  const name = basename(file)
  await toolchain.run(['wasm-ld', '-o', file, ...args], {
    log: logFile(`link-${name}`),
    doing: `link ${name}`,
  })
}
