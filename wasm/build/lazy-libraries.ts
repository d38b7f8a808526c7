/**
 * Links the libraries that are modules of their own, libpq among them, and writes stubs for the programs: for each
 * function of such a library that these call, one with the same name and type that loads the library when it is first called
 * (c/postgres/foreign-library.h). The types are read from the linked library, so no header has to be parsed.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { clientInputs } from './clients.js'
import type { CompiledLibrary } from './library-objects.js'
import { linkInputs } from './link-record.js'
import { importsOf, MODULE } from './loadable-modules.js'
import type { GeneratedSource, OwnObjects } from './own-objects.js'
import { logFile } from './paths.js'
import { LIBPQ, type Objects } from './postgres.js'
import type { Toolchain } from './toolchain.js'
import { exportedFunctions, type FunctionType } from './wasm-binary.js'
import { wasmLd } from './wasm-ld.js'

export interface LazyLibraries {
  /** Where the linked modules lie, as `libNAME.so`, as the compiler sees it. */
  folder: string
  /** "libz" */
  names: string[]
  /** The modules, by the path of the archive or record in whose place each is linked. */
  modules: ReadonlyMap<string, string>
  /** The stubs that the server and initdb are linked with in place of the archives: C sources. */
  stubs: GeneratedSource[]
  /** Functions and variables that postgres.wasm has to export for them. */
  imports: string[]
}

export async function linkLazyLibraries(
  toolchain: Toolchain,
  libraries: readonly CompiledLibrary[],
  objects: Objects,
  own: OwnObjects,
  counting: readonly string[],
): Promise<LazyLibraries> {
  const folder = `${toolchain.work}/linked/libraries`
  rmSync(toolchain.outside(folder), { recursive: true, force: true })
  mkdirSync(toolchain.outside(folder), { recursive: true })
  const lazy = libraries.filter(({ library }) => library.lazy)
  const archives = new Set(libraries.map(({ archive }) => archive))

  const ofPrograms = [
    ...['postgres', 'initdb'].flatMap(program =>
      linkInputs(toolchain, `${objects.installed}/bin/${program}`, 'archive'),
    ),
    ...clientInputs(toolchain, objects),
  ]
  const calledByPrograms = await symbols(toolchain, 'undefined', withoutAll(ofPrograms, archives))
  const installed = readdirSync(toolchain.outside(`${objects.installed}/lib`)).filter(
    name => name.endsWith('.so') && name !== basename(LIBPQ),
  )
  const ofModules = installed.flatMap(name =>
    linkInputs(toolchain, `${objects.installed}/lib/${name}`, 'shared'),
  )
  const others = libraries.filter(({ library }) => !library.lazy).map(({ archive }) => archive)
  const libpq = `${objects.folder}/${LIBPQ}`
  const called = new Set([
    ...calledByPrograms,
    ...(await symbols(toolchain, 'undefined', [
      ...withoutAll(ofModules, new Set([...archives, libpq])),
      ...others,
    ])),
  ])

  const modules = new Map<string, string>()
  const imports = new Set<string>()
  /** Links one, which exports of the symbols that it offers those that are called. */
  const linkLibrary = async (name: string, record: string, inputs: string[], offered: Iterable<string>) => {
    const file = `${folder}/${name}.so`
    const exports = [...offered].filter(symbol => called.has(symbol)).sort()
    const flags = [...MODULE, ...exports.map(symbol => `--export=${symbol}`)]
    await wasmLd(toolchain, file, ...flags, ...inputs, ...counting)
    modules.set(record, file)
    const binary = readFileSync(toolchain.outside(file))
    for (const symbol of await importsOf(binary)) imports.add(symbol)
    return binary
  }

  await linkLibrary(
    basename(libpq, '.so'),
    libpq,
    [...own.libpq, ...linkInputs(toolchain, libpq, 'contents')],
    exportedByLibpq(toolchain, libpq),
  )
  const stubs: LazyLibraries['stubs'] = []
  for (const { library, archive, inServer } of lazy) {
    const name = `lib${library.name}`
    const parts = libraries.filter(({ library: { name } }) => library.uses?.includes(name))
    const ownParts = library.name === 'icu' ? own.icu : []
    const inputs = [...ownParts, archive, ...parts.map(({ archive }) => archive)]
    const binary = await linkLibrary(name, archive, inputs, await symbols(toolchain, 'defined', [archive]))
    const present = await symbols(toolchain, 'defined', inServer)
    const wanted = [...exportedFunctions(binary)].filter(
      ([symbol]) => calledByPrograms.has(symbol) && !present.has(symbol),
    )
    if (wanted.length > 0)
      stubs.push({ path: `${toolchain.work}/stubs/${name}.c`, text: stubsText(name, wanted) })
  }
  return {
    folder,
    names: [...modules.values()].map(file => basename(file, '.so')),
    modules,
    stubs,
    imports: [...imports],
  }
}

const withoutAll = (names: readonly string[], left: ReadonlySet<string>) =>
  names.filter(name => !left.has(name))

/** The functions that libpq exports. It has a copy of PostgreSQL's common code, but modules call the server's. */
function exportedByLibpq(toolchain: Toolchain, libpq: string): string[] {
  const script = readFileSync(toolchain.outside(`${dirname(libpq)}/exports.list`), 'utf8')
  return [...script.matchAll(/^\s*(\w+);$/gm)].map(([, name]) => name!)
}

/** The names that objects and archives import or define. */
async function symbols(
  toolchain: Toolchain,
  kind: 'undefined' | 'defined',
  files: string[],
): Promise<Set<string>> {
  if (files.length === 0) return new Set()
  const list = `${toolchain.work}/linked/objects-${kind}`
  writeFileSync(toolchain.outside(list), [...new Set(files)].join('\n'))
  const listing = await toolchain.run(
    ['llvm-nm', `--${kind}-only`, '--extern-only', '--format=just-symbols', `@${list}`],
    {
      log: logFile(`symbols-${kind}`),
      doing: 'list the symbols of libraries',
    },
  )
  return new Set(listing.split('\n').filter(line => /^\w+$/.test(line)))
}

function stubsText(library: string, functions: readonly [string, FunctionType][]): string {
  const stubs = functions.map(([name, { parameters, result }]) => {
    const type = result === undefined ? 'void' : C_TYPES[result]
    const types = parameters.map(parameter => C_TYPES[parameter])
    const declared = types.map((type, i) => `${type} p${i}`).join(', ') || 'void'
    const call = `((${type} (*) (${types.join(', ') || 'void'})) function)(${types.map((_, i) => `p${i}`).join(', ')})`
    return [
      `${type} ${name}(${declared})`,
      '{',
      '\tstatic void *function;',
      `\tif (function == NULL) function = foreign_function("${library}", "${name}");`,
      `\t${result === undefined ? '' : 'return '}${call};`,
      '}',
      '',
    ].join('\n')
  })
  return ['#include <stddef.h>', '#include "postgres/foreign-library.h"', '', ...stubs].join('\n')
}

const C_TYPES = { i32: 'int', i64: 'long long', f32: 'float', f64: 'double' } as const
