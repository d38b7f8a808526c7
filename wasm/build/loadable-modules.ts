/**
 * Links each loadable module of PostgreSQL to a WebAssembly module of its own, a shared library in the sense of
 * tool-conventions' DynamicLinking.md: what it does not define itself it imports from postgres.wasm, which therefore
 * has to export it (link.ts).
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { linkInputs } from './link-record.js'
import { LIBRARIES_THAT_ARE_NO_MODULES } from './modules.js'
import type { Toolchain } from './toolchain.js'
import { SHARED_MEMORY, wasmLd } from './wasm-ld.js'

export interface LoadableModules {
  /** Where the linked modules lie, as `NAME.so`, as the compiler sees it. */
  folder: string
  names: string[]
  /** Functions and variables that postgres.wasm has to export for them. */
  imports: string[]
}

const MODULE = [
  ...[...SHARED_MEMORY, '-shared', '-Bsymbolic', '--experimental-pic', '--no-entry', '--gc-sections'],
  ...['--unresolved-symbols=import-dynamic', '-mllvm', '-exception-model=wasm'],
]

/** What the loader gives to any position independent module. */
export const FROM_THE_LOADER = [
  ...['memory', '__stack_pointer', '__memory_base', '__table_base', '__indirect_function_table'],
]

/** Links the libraries of an installation, into a folder of that name. */
export async function linkModules(
  toolchain: Toolchain,
  installed: string,
  name: string,
): Promise<LoadableModules> {
  const folder = `${toolchain.work}/linked/${name}`
  mkdirSync(toolchain.outside(folder), { recursive: true })
  const names = readdirSync(toolchain.outside(`${installed}/lib`))
    .filter(name => name.endsWith('.so') && !LIBRARIES_THAT_ARE_NO_MODULES.includes(name))
    .map(name => name.slice(0, -'.so'.length))
    .sort()

  const imports = new Set<string>()
  for (const name of names) {
    const file = `${folder}/${name}.so`
    await wasmLd(toolchain, file, ...MODULE, ...linkInputs(toolchain, `${installed}/lib/${name}.so`, true))
    const module = await WebAssembly.compile(readFileSync(toolchain.outside(file)))
    for (const { name } of WebAssembly.Module.imports(module)) imports.add(name)
  }
  for (const name of FROM_THE_LOADER) imports.delete(name)
  return { folder, names, imports: [...imports].sort() }
}
