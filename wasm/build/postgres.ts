/**
 * Configures and compiles PostgreSQL with its own configure and makefiles, in a tree of objects apart from the source.
 * Nothing is linked here: the stand-in compiler records what to link (see compiler.ts).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { type CLibrary, functionsNeededBy } from './c-library.js'
import {
  BACKEND_CPPFLAGS,
  OPTIMISATION,
  POSTGRES_CPPFLAGS,
  targetFlags,
  writeProbingCompiler,
  writeRecordingCompiler,
} from './compiler.js'
import { type ExtensionSource, makeExtension } from './extensions.js'
import { hashOf } from './hash.js'
import type { CompiledLibrary } from './library-objects.js'
import { INSTALL_TARGETS, MAKE_VARIABLES, MODULE_FOLDERS, TEST_MODULE_FOLDERS } from './modules.js'
import { removeOldSiblings } from './once.js'
import { logFile, repository } from './paths.js'
import { UNPROFILED } from './profile.js'
import { PROGRAM_FOLDERS } from './programs.js'
import type { Step } from './progress.js'
import type { Source } from './source.js'
import { isSplit, splitParser } from './split-parser.js'
import type { Toolchain } from './toolchain.js'

/**
 * The prefix of the installation. Only positions relative to bin/ matter: the server finds share/ and
 * lib/ from its executable's place. Without "pgsql" in the name PostgreSQL's makefiles choose other folders.
 */
const PREFIX = '/pgsql'

const CONFIGURE = [
  ...['--host=wasm32-unknown-emscripten', '--with-template=linux', `--prefix=${PREFIX}`, '--enable-depend'],
  ...[
    '--without-readline',
    '--without-llvm',
    '--with-icu',
    '--with-libxml',
    '--with-libxslt',
    '--with-uuid=e2fs',
  ],
  ...['--with-lz4', '--with-zstd'],
]

/** What configure would ask pkg-config for. */
const LIBRARY_FLAGS = { ICU: '-licu', LZ4: '-llz4', ZSTD: '-lzstd' }

/** Functions that the C library has but that do not work here, with the reason. */
const NOT_THERE: Record<string, string> = {
  syslog: 'there is no system log to write to',
}

/** Functions that the C library does not have and c/posix has, with their headers, and the reason. */
const PROVIDED: Record<string, string> = {
  copyfile: 'file_copy_method = clone copies a file by one call of the host',
}

const SERVER = 'src/backend'

/** The client library as it was made, in the tree of objects: modules that connect to servers are linked with it. */
export const LIBPQ = 'src/interfaces/libpq/libpq.so'

/** Built and installed in this order; each is a folder of PostgreSQL's source. */
const FOLDERS = [
  'src/include/catalog',
  SERVER,
  'src/timezone',
  dirname(LIBPQ),
  ...MODULE_FOLDERS,
  'src/bin/initdb',
  ...PROGRAM_FOLDERS,
]

/** The number of objects compiled from nothing, only to show progress. */
const OBJECTS_EXPECTED = 1230

/** Paths as the compiler sees them. */
export interface Objects {
  /** The tree of objects. */
  folder: string
  /** What `make install` installed: bin, lib, share. */
  installed: string
  /** The same of the modules that only tests use: lib, share. */
  installedForTests: string
}

export async function configurePostgres(
  toolchain: Toolchain,
  library: CLibrary,
  libraries: readonly CompiledLibrary[],
  source: Source,
  profile: readonly string[],
  step: Step,
): Promise<Objects> {
  const missing = Object.keys(NOT_THERE).map(name => `ac_cv_func_${name}=no`)
  const provided = Object.keys(PROVIDED).flatMap(name => [
    `ac_cv_func_${name}=yes`,
    `ac_cv_header_${name}_h=yes`,
  ])
  const linked = libraries.filter(({ library }) => Object.keys(library.headers).length > 0)
  const options = [
    ...CONFIGURE,
    `--with-includes=${linked.map(({ include }) => include).join(':')}`,
    `--with-libraries=${linked.map(({ folder }) => `${folder}/lib`).join(':')}`,
    ...Object.entries(LIBRARY_FLAGS).flatMap(([name, flag]) => [`${name}_CFLAGS= `, `${name}_LIBS=${flag}`]),
    `CPPFLAGS=${POSTGRES_CPPFLAGS.join(' ')}`,
    `CFLAGS=${OPTIMISATION.join(' ')}`,
    ...missing,
    ...provided,
  ]
  const key = hashOf(
    ...options,
    ...targetFlags(library),
    ...BACKEND_CPPFLAGS,
    ...profile,
    ...UNPROFILED,
    source.packageVersion,
    ...ownHeaders(),
  )
  const folder = `${toolchain.work}/objects-${key}`
  const objects = {
    folder,
    installed: `${folder}/installed${PREFIX}`,
    installedForTests: `${folder}/installed-for-tests${PREFIX}`,
  }

  // The makefiles contain the folder's own path, so it cannot be made under another name and renamed.
  const stamp = toolchain.outside(`${folder}/configured`)
  if (existsSync(stamp)) {
    step.detail('from the cache')
    return objects
  }
  rmSync(toolchain.outside(folder), { recursive: true, force: true })
  mkdirSync(toolchain.outside(folder), { recursive: true })
  const neededFromHost = (await functionsNeededBy(toolchain, library)).filter(
    name => !['fork', 'execve'].includes(name),
  )
  const compiler = writeProbingCompiler(toolchain, library, folder, neededFromHost)
  await toolchain.run([`${source.folder}/configure`, ...options, `CC=${compiler}`], {
    cwd: folder,
    // zic runs at build time, so it is the toolchain's own.
    env: { AR: 'llvm-ar', RANLIB: 'llvm-ranlib', ZIC: '/usr/sbin/zic' },
    log: logFile('configure'),
    doing: 'configure PostgreSQL',
  })
  writeFileSync(stamp, '')
  removeOldSiblings(toolchain.outside(folder), 2)
  return objects
}

/** The headers that come before those of the C library. make does not notice a new one. */
function ownHeaders(): string[] {
  return readdirSync(join(repository, 'c')).filter(name => name.endsWith('.h'))
}

/**
 * Compiles what changed. `inputs` is a hash of all that can affect the objects beside the toolchain: patches, and this
 * project's headers. Returns a hash that changes when objects may have changed.
 */
export async function compilePostgres(
  toolchain: Toolchain,
  library: CLibrary,
  objects: Objects,
  source: Source,
  extensions: readonly ExtensionSource[],
  profile: readonly string[],
  inputs: string,
  step: Step,
): Promise<string> {
  const key = hashOf(
    inputs,
    JSON.stringify(extensions),
    JSON.stringify(MAKE_VARIABLES),
    ...BACKEND_CPPFLAGS,
    ...FOLDERS,
    '',
    ...TEST_MODULE_FOLDERS,
    String(splitParser),
  )
  const stamp = toolchain.outside(`${objects.folder}/compiled`)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) {
    step.detail('from the cache')
    return key
  }
  rmSync(stamp, { force: true })
  // Otherwise files that are no longer made would stay.
  for (const folder of [objects.installed, objects.installedForTests])
    rmSync(toolchain.outside(folder), { recursive: true, force: true })
  const compiler = writeRecordingCompiler(toolchain, library, objects.folder, profile)
  let compiled = 0
  const onLine = (line: string) => {
    if (!line.startsWith(compiler) || !line.includes(' -c ')) return
    compiled++
    step.detail(`${compiled} objects of at most ${OBJECTS_EXPECTED}`)
  }
  step.detail('generate headers')
  const make = (name: string, ...args: string[]) =>
    toolchain.run(['make', `-j${availableParallelism()}`, `CC=${compiler}`, ...args], {
      cwd: objects.folder,
      log: logFile(`make-${name}`),
      doing: `compile PostgreSQL (${name})`,
      onLine,
    })
  await make('headers', '-C', 'src/backend', 'generated-headers')
  replaceParser(toolchain.outside(`${objects.folder}/src/backend/parser`))
  await make('include-folders', '-C', 'src/include', 'installdirs', `DESTDIR=${objects.folder}/installed`)
  // Made along with the server otherwise, and with its flags.
  for (const library of ['src/port', 'src/common']) await make(library.replace('/', '-'), '-C', library)
  const install = (folder: string, destination: string) => {
    const target = INSTALL_TARGETS[folder] ?? 'install'
    const flags = folder === SERVER ? [`COPT=${BACKEND_CPPFLAGS.join(' ')}`] : []
    const variables = [
      ...flags,
      ...(MAKE_VARIABLES[folder] ?? []),
      `DESTDIR=${objects.folder}/${destination}`,
    ]
    return make(folder.replaceAll('/', '-'), '-C', folder, target, ...variables)
  }
  for (const folder of FOLDERS) await install(folder, 'installed')
  for (const extension of extensions) {
    step.detail(extension.package)
    await makeExtension(
      toolchain,
      extension,
      objects.folder,
      source.folder,
      PREFIX,
      `${objects.folder}/installed`,
      compiler,
    )
  }
  for (const folder of TEST_MODULE_FOLDERS) await install(folder, 'installed-for-tests')
  writeFileSync(stamp, key)
  step.detail(`${compiled} objects`)
  return key
}

/** Replaces bison's parser by one in pieces; bison's is kept beside it. */
function replaceParser(folder: string): void {
  const [parser, whole] = [join(folder, 'gram.c'), join(folder, 'gram.whole.c')]
  const present = readFileSync(parser, 'utf8')
  if (!isSplit(present)) writeFileSync(whole, present)
  const split = splitParser(readFileSync(whole, 'utf8'))
  if (present !== split) writeFileSync(parser, split)
}
