/**
 * Links the modules: the kernel, the server, initdb, and the clients. wasm-ld is called directly; nothing of Emscripten's
 * JavaScript is needed, because c/posix answers the C library and the host answers c/posix.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { CLibrary } from './c-library.js'
import { type LibraryForm, linkInputs } from './link-record.js'
import type { OwnObjects } from './own-objects.js'
import type { Objects } from './postgres.js'
import { tabulateExports } from './symbols.js'
import type { Toolchain } from './toolchain.js'
import { SHARED_MEMORY, wasmLd, wasmLdWithLines } from './wasm-ld.js'

const KERNEL = [
  ...[...SHARED_MEMORY, '--no-entry', '--stack-first', '-z', 'stack-size=65536', '--global-base=65536'],
  ...['--export=__stack_pointer', '--export=__heap_base'],
]

const PROGRAM = [
  ...[...SHARED_MEMORY, '-pie', '--experimental-pic', '--no-entry', '--import-undefined', '--gc-sections'],
  ...['-mllvm', '-exception-model=wasm'],
  ...['__wasm_call_ctors', '__wasm_init_tls', '__main_argc_argv'].map(name => `--export=${name}`),
]

/** PostgreSQL's own clients that are built, each a program. */
const CLIENTS = ['pg_dump', 'pg_restore', 'psql']

/** psql leaves a signal handler by longjmp(), about which c/posix/signals.c wants to know. */
const CLIENT = ['--wrap=__wasm_longjmp']

/** Paths as the compiler sees them. */
export interface Linked {
  kernel: string
  /** Those that tests run on. */
  testKernels: string[]
  postgres: string
  initdb: string
  clients: string[]
}

/**
 * `exported` names what loadable modules import from postgres.wasm, `forLibraries` what libraries that are modules import from
 * any program; `foreign` are the objects that stand in it, and in initdb, for the archives of libraries which are modules,
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
  /** A program that modules are linked with, which import `symbols` of it. */
  const withSymbols = async (file: string, symbols: string[], ...args: string[]) => {
    const names = new Set(symbols)
    await wasmLd(toolchain, file, ...PROGRAM, ...[...names].sort().map(name => `--export=${name}`), ...args)
    const linked = toolchain.outside(file)
    writeFileSync(linked, tabulateExports(readFileSync(linked), names))
    return file
  }
  const clients: string[] = []
  for (const client of CLIENTS)
    clients.push(
      await wasmLd(
        toolchain,
        `${folder}/${client}.wasm`,
        ...[...PROGRAM, ...CLIENT, ...own.posix, ...inputs(client, 'contents'), ...libraries],
      ),
    )
  return {
    clients,
    kernel: await wasmLd(toolchain, `${folder}/kernel.wasm`, ...KERNEL, ...own.kernel),
    testKernels: [
      await wasmLdWithLines(
        toolchain,
        `${folder}/kernel-asserting.wasm`,
        ...[...KERNEL, ...own.assertingKernel],
      ),
      await wasmLdWithLines(
        toolchain,
        `${folder}/kernel-stepping.wasm`,
        ...[...KERNEL, ...own.steppingKernel],
      ),
    ],
    postgres: await withSymbols(
      `${folder}/postgres.wasm`,
      [...exported, ...forLibraries],
      '--export-if-defined=_interactive_one',
      ...[...own.posix, ...own.locale, ...own.postgres, ...withStubs('postgres'), ...libraries],
    ),
    initdb: await withSymbols(
      `${folder}/initdb.wasm`,
      forLibraries,
      ...[...own.posix, ...own.locale, ...own.initdb, ...withStubs('initdb'), ...libraries],
    ),
  }
}
