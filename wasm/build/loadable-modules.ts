/**
 * Links each loadable module of PostgreSQL to a WebAssembly module of its own, a shared library in the sense of
 * tool-conventions' DynamicLinking.md. It imports what it does not define itself from postgres.wasm, which link.ts makes export it.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { linkInputs } from './link-record.js'
import { LIBPQ } from './postgres.js'
import type { Toolchain } from './toolchain.js'
import { SHARED_MEMORY, wasmLd } from './wasm-ld.js'

export interface LoadableModules {
  /** Where the linked modules lie, as `NAME.so`, as the compiler sees it. */
  folder: string
  names: string[]
  /** Functions and variables that postgres.wasm has to have for them. */
  imports: string[]
}

export const MODULE = [
  ...[...SHARED_MEMORY, '-shared', '-Bsymbolic', '--experimental-pic', '--no-entry', '--gc-sections'],
  ...['--unresolved-symbols=import-dynamic', '-mllvm', '-exception-model=wasm'],
]

/** What the loader gives to any position independent module. */
export const FROM_THE_LOADER = [
  ...['memory', '__stack_pointer', '__memory_base', '__table_base', '__indirect_function_table'],
]

/**
 * Links the libraries of an installation, into a folder of that name. `libraries` says which module is linked in place of which
 * library: it is noted as needed, and the loader loads it first. `counting` has what counts in a build for training.
 */
export async function linkModules(
  toolchain: Toolchain,
  installed: string,
  name: string,
  libraries: ReadonlyMap<string, string>,
  counting: readonly string[],
): Promise<LoadableModules> {
  const folder = `${toolchain.work}/linked/${name}`
  mkdirSync(toolchain.outside(folder), { recursive: true })
  const names = readdirSync(toolchain.outside(`${installed}/lib`))
    .filter(name => name.endsWith('.so') && name !== basename(LIBPQ))
    .map(name => name.slice(0, -'.so'.length))
    .sort()

  const imports = new Set<string>()
  for (const name of names) {
    const file = `${folder}/${name}.so`
    const inputs = linkInputs(toolchain, `${installed}/lib/${name}.so`, 'shared')
    const linked = inputs.map(input => libraries.get(input) ?? input)
    await wasmLd(toolchain, file, ...MODULE, ...linked, ...counting)
    const needed = linked.filter(input => !inputs.includes(input))
    const provided = new Set(
      needed.flatMap(library => [...exportedNames(readFileSync(toolchain.outside(library)))]),
    )
    for (const symbol of await importsOf(readFileSync(toolchain.outside(file))))
      if (!provided.has(symbol)) imports.add(symbol)
  }
  return { folder, names, imports: [...imports].sort() }
}

/** What a module takes from the program that it is loaded into. */
export async function importsOf(module: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const names = WebAssembly.Module.imports(await WebAssembly.compile(module)).map(({ name }) => name)
  return names.filter(name => !FROM_THE_LOADER.includes(name))
}

const exportedNames = (module: Uint8Array<ArrayBuffer>) =>
  WebAssembly.Module.exports(new WebAssembly.Module(module)).map(({ name }) => name)
