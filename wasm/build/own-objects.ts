/**
 * Compiles this project's own C files. An object's name is the hash of what it was made of, so nothing is compiled twice, and
 * switching between branches finds the objects of both.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import type { CLibrary } from './c-library.js'
import {
  ASSERTIONS,
  BACKEND_CPPFLAGS,
  DEBUG,
  KERNEL_FLAGS,
  OPTIMISATION,
  POSTGRES_CPPFLAGS,
  STEPS,
  targetFlags,
  WARNINGS,
} from './compiler.js'
import { BuildFailure } from './failure.js'
import { filesBelow, hashOf, hashOfFiles } from './hash.js'
import type { CompiledLibrary } from './library-objects.js'
import { logFile, repository } from './paths.js'
import type { Objects } from './postgres.js'
import type { Source } from './source.js'
import type { Toolchain } from './toolchain.js'

const C = join(repository, 'c')

/** Milliseconds: a week. */
const KEPT_UNUSED = 7 * 24 * 3600 * 1000

/** Hash of all headers in c/, any of which can change an object. */
export function hashOfHeaders(): string {
  return hashOfFiles(
    C,
    filesBelow(C).filter(name => name.endsWith('.h')),
  )
}

/** Makes a copy of c/ where the compiler sees it. Files that did not change keep their times, for make. */
export function copyOwnSources(toolchain: Toolchain): void {
  const copies = toolchain.outside(`${toolchain.work}/c`)
  mkdirSync(copies, { recursive: true })
  const names = filesBelow(C)
  for (const name of names) {
    const copy = join(copies, name)
    if (existsSync(copy) && readFileSync(copy).equals(readFileSync(join(C, name)))) continue
    mkdirSync(dirname(copy), { recursive: true })
    cpSync(join(C, name), copy)
  }
  for (const name of filesBelow(copies)) if (!names.includes(name)) rmSync(join(copies, name))
}

export interface OwnObjects {
  kernel: string[]
  /** The same with assertions, and with a call of the host's at each step besides. */
  assertingKernel: string[]
  steppingKernel: string[]
  /** The C library's host: linked into every program. */
  posix: string[]
  /** glibc's locales: linked into postgres.wasm and initdb.wasm. */
  locale: string[]
  /** Linked into postgres.wasm only. */
  postgres: string[]
  /** Linked into initdb.wasm only. */
  initdb: string[]
  /** Linked with libpq, wherever it is. */
  libpq: string[]
  /** Linked into client.wasm only. */
  client: string[]
  /** Linked into ICU's module. */
  icu: string[]
}

/** C that the build itself wrote. */
export interface GeneratedSource {
  path: string
  text: string
}

/** Where the C library has its own headers, about what a locale is. */
const MUSL = [
  ...['libc/musl/src/internal', 'libc/musl/src/include', 'libc/musl/arch/emscripten'],
  ...['pthread', 'libc'],
]

/** How the files of each folder of c/ are compiled. */
export function ownFlags(
  toolchain: Toolchain,
  library: CLibrary,
  source: Source,
  objects: Objects,
  icu: CompiledLibrary,
): Record<keyof OwnObjects, string[]> {
  const include = [`-I${toolchain.work}/c`, '-isystem', '/usr/share/emscripten/system/lib']
  const posix = [
    ...targetFlags(library),
    ...OPTIMISATION,
    '-std=gnu17',
    '-D_GNU_SOURCE',
    ...include,
    ...WARNINGS,
  ]
  const initdb = [
    ...[...posix, ...POSTGRES_CPPFLAGS, '-fno-strict-aliasing', '-fwrapv'],
    ...['-isystem', `${objects.folder}/src/include`, '-isystem', `${source.folder}/src/include`],
  ]
  // Only headers of the C library: error numbers, signal numbers, the layout of struct pollfd.
  const headers = ['-isystem', `${library.sysroot}/include`]
  const kernel = [...KERNEL_FLAGS, '-std=gnu17', `-I${toolchain.work}/c`, ...headers, ...WARNINGS]
  const assertingKernel = [...kernel, ...ASSERTIONS]
  return {
    kernel: DEBUG ? assertingKernel : kernel,
    assertingKernel,
    steppingKernel: [...assertingKernel, ...STEPS],
    posix,
    locale: [...posix, ...MUSL.flatMap(folder => ['-isystem', `/usr/share/emscripten/system/lib/${folder}`])],
    postgres: [...initdb, ...BACKEND_CPPFLAGS],
    initdb,
    libpq: [...initdb, '-DUSE_SSL', '-isystem', `${source.folder}/src/interfaces/libpq`],
    client: initdb,
    icu: [
      ...[...targetFlags(library), ...OPTIMISATION, `-I${toolchain.work}/c`, ...WARNINGS],
      ...icu.library.flags.map(flag => flag.replace(/^-ISOURCE/, `-isystem${icu.source}`)),
    ],
  }
}

export async function compileOwnSources(
  toolchain: Toolchain,
  flags: Record<keyof OwnObjects, string[]>,
): Promise<OwnObjects> {
  const failures: string[] = []
  const own = {
    kernel: await compileFolder(toolchain, 'kernel', flags.kernel, failures),
    assertingKernel: await compileFolder(toolchain, 'kernel', flags.assertingKernel, failures),
    steppingKernel: await compileFolder(toolchain, 'kernel', flags.steppingKernel, failures),
    posix: await compileFolder(toolchain, 'posix', flags.posix, failures),
    locale: await compileFolder(toolchain, 'locale', flags.locale, failures),
    postgres: await compileFolder(toolchain, 'postgres', flags.postgres, failures),
    initdb: await compileFolder(toolchain, 'initdb', flags.initdb, failures),
    libpq: await compileFolder(toolchain, 'libpq', flags.libpq, failures),
    client: await compileFolder(toolchain, 'client', flags.client, failures),
    icu: await compileFolder(toolchain, 'icu', flags.icu, failures),
  }
  if (failures.length > 0) throw new BuildFailure(failures.join('\n\n'))
  removeUnused(toolchain.outside(`${toolchain.work}/own`))
  return own
}

/** Compiles sources that the build wrote, for postgres.wasm. */
export async function compileGenerated(
  toolchain: Toolchain,
  library: CLibrary,
  sources: readonly GeneratedSource[],
): Promise<string[]> {
  const flags = [...targetFlags(library), ...OPTIMISATION, `-I${toolchain.work}/c`, ...WARNINGS]
  const compileSource = ({ path, text }: GeneratedSource) => {
    mkdirSync(dirname(toolchain.outside(path)), { recursive: true })
    writeFileSync(toolchain.outside(path), text)
    return compile(toolchain, path, text, flags)
  }
  return Promise.all(sources.map(compileSource))
}

/** Removes objects that no build has used for a while. */
function removeUnused(folder: string): void {
  for (const name of readdirSync(folder))
    if (Date.now() - statSync(join(folder, name)).mtimeMs > KEPT_UNUSED) rmSync(join(folder, name))
}

/** Compiles all files of a folder in c/. Errors are collected, so that one build shows all of them. */
async function compileFolder(
  toolchain: Toolchain,
  folder: string,
  flags: string[],
  failures: string[],
): Promise<string[]> {
  const names = readdirSync(join(C, folder))
    .filter(name => /\.c(pp)?$/.test(name))
    .sort()
  const results: string[] = new Array(names.length)
  let next = 0
  const worker = async () => {
    for (let i = next++; i < names.length; i = next++) {
      const path = `${toolchain.work}/c/${folder}/${names[i]}`
      try {
        results[i] = await compile(toolchain, path, readFileSync(toolchain.outside(path), 'utf8'), flags)
      } catch (error) {
        if (!(error instanceof BuildFailure)) throw error
        failures.push(error.message)
      }
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return results
}

async function compile(toolchain: Toolchain, path: string, text: string, flags: string[]): Promise<string> {
  const name = path
    .split('/')
    .slice(-2)
    .join('-')
    .replace(/\.c(pp)?$/, '')
  const object = `${toolchain.work}/own/${name}-${hashOf(path, text, hashOfHeaders(), ...flags)}.o`
  if (existsSync(toolchain.outside(object))) {
    utimesSync(toolchain.outside(object), new Date(), new Date())
    return object
  }
  mkdirSync(dirname(toolchain.outside(object)), { recursive: true })
  await toolchain.run(['clang', ...flags, '-c', path, '-o', `${object}.unfinished`], {
    log: logFile(`compile-${name}`),
    doing: `compile ${path.slice(toolchain.work.length + 1)}`,
  })
  renameSync(toolchain.outside(`${object}.unfinished`), toolchain.outside(object))
  return object
}
