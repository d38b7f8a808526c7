/**
 * Links the programs: the kernel, the server, initdb, and that of the clients. wasm-ld is called directly; nothing of Emscripten's
 * JavaScript is needed, because c/posix answers the C library and the host answers c/posix.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { PAGE_SIZE } from '../machine/abi.js'
import type { CLibrary } from './c-library.js'
import { CLIENT, type Clients } from './clients.js'
import { type LibraryForm, linkInputs } from './link-record.js'
import type { OwnObjects } from './own-objects.js'
import type { Objects } from './postgres.js'
import { CONSTANTS_AT } from './shared-constants.js'
import { tabulateExports } from './symbols.js'
import type { Toolchain } from './toolchain.js'
import { SHARED_MEMORY, wasmLd, wasmLdWithLines, wasmLdWithSharedConstants } from './wasm-ld.js'

/** @param constants bytes of them that the server's processes share, which lie before the kernel's variables */
const kernel = (constants: number) => [
  ...[...SHARED_MEMORY, '--no-entry', '--stack-first', '-z', 'stack-size=65536'],
  ...[`--global-base=${Math.ceil((CONSTANTS_AT + constants) / PAGE_SIZE) * PAGE_SIZE}`],
  ...['--export=__stack_pointer', '--export=__heap_base'],
]

const PROGRAM = [
  ...[...SHARED_MEMORY, '-pie', '--experimental-pic', '--no-entry', '--import-undefined', '--gc-sections'],
  ...['-mllvm', '-exception-model=wasm'],
  ...['__wasm_call_ctors', '__wasm_init_tls', '__main_argc_argv'].map(name => `--export=${name}`),
]

type Linker<T> = (toolchain: Toolchain, file: string, ...args: string[]) => Promise<T>

/** Paths as the compiler sees them. */
export interface Linked {
  kernel: string
  /** Those that tests run on. */
  testKernels: string[]
  postgres: string
  initdb: string
  client: string
}

/**
 * `exported` names what loadable modules import from postgres.wasm, `forLibraries` what libraries that are modules import from
 * any program; `foreign` are the objects that stand in each program for the archives of libraries which are modules,
 * `lazy`.
 */
export async function link(
  toolchain: Toolchain,
  library: CLibrary,
  objects: Objects,
  own: OwnObjects,
  exported: string[],
  forLibraries: string[],
  foreign: string[],
  lazy: ReadonlyMap<string, string>,
  clients: Clients,
): Promise<Linked> {
  const folder = `${toolchain.work}/linked`
  mkdirSync(toolchain.outside(folder), { recursive: true })
  const libraries = [library.libc, library.builtins]
  const inputs = (program: string, form: LibraryForm) =>
    linkInputs(toolchain, `${objects.installed}/bin/${program}`, form)
  const withStubs = (program: string) => [
    ...foreign,
    ...inputs(program, 'archive').filter(input => !lazy.has(input)),
  ]
  /** Links a program that modules are linked with, which import `symbols` of it. */
  const withSymbols = async <T>(linker: Linker<T>, file: string, symbols: string[], ...args: string[]) => {
    const names = new Set(symbols)
    const exports = [...names].sort().map(name => `--export=${name}`)
    const result = await linker(toolchain, file, ...PROGRAM, ...exports, ...args)
    const linked = toolchain.outside(file)
    writeFileSync(linked, tabulateExports(readFileSync(linked), names))
    return result
  }
  const [postgres, initdb, client] = ['postgres', 'initdb', 'client'].map(
    name => `${folder}/${name}.wasm`,
  ) as [string, string, string]
  const constants = await withSymbols(
    wasmLdWithSharedConstants,
    postgres,
    [...exported, ...forLibraries],
    ...['--export-if-defined=_interactive_one', '--wrap=rmtree'],
    ...[...own.posix, ...own.locale, ...own.postgres, ...withStubs('postgres'), ...libraries],
  )
  await withSymbols(
    wasmLd,
    initdb,
    forLibraries,
    ...[...own.posix, ...own.locale, ...own.initdb, ...withStubs('initdb'), ...libraries],
  )
  await withSymbols(
    wasmLd,
    client,
    [...clients.imports, ...forLibraries],
    ...CLIENT,
    ...[
      ...own.posix,
      ...own.client,
      ...own.libpq,
      ...foreign,
      ...clients.common.filter(input => !lazy.has(input)),
      ...libraries,
    ],
  )
  const options = kernel(constants)
  return {
    client,
    postgres,
    initdb,
    kernel: await wasmLd(toolchain, `${folder}/kernel.wasm`, ...options, ...own.kernel),
    testKernels: [
      await wasmLdWithLines(
        toolchain,
        `${folder}/kernel-asserting.wasm`,
        ...[...options, ...own.assertingKernel],
      ),
      await wasmLdWithLines(
        toolchain,
        `${folder}/kernel-stepping.wasm`,
        ...[...options, ...own.steppingKernel],
      ),
    ],
  }
}
