/**
 * Compiles the foreign libraries, each to an archive with headers beside it, in a folder whose name has the hash of its inputs.
 * An interrupted build goes on with the objects that exist.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { CLibrary } from './c-library.js'
import { targetFlags } from './compiler.js'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import { LIBRARIES, type Library } from './libraries.js'
import { removeOldSiblings } from './once.js'
import { logFile } from './paths.js'
import type { Step } from './progress.js'
import { getSourcePackage } from './source-package.js'
import type { Toolchain } from './toolchain.js'

/** A compiled library. Paths as the compiler sees them. */
export interface CompiledLibrary {
  library: Library
  folder: string
  include: string
  archive: string
  /** Objects that are linked with the server. */
  inServer: string[]
  /** The source. */
  source: string
  /** Debian's version of the package. */
  version: string
}

/** Emscripten's libraries. */
const TOOLCHAIN_SOURCE = '/usr/share/emscripten/system/lib'

export async function compileLibraries(
  toolchain: Toolchain,
  cLibrary: CLibrary,
  step: Step,
): Promise<CompiledLibrary[]> {
  const compiled: CompiledLibrary[] = []
  for (const library of LIBRARIES) {
    step.detail(library.name)
    const result = await placeOf(toolchain, cLibrary, library)
    if (!existsSync(toolchain.outside(result.archive)))
      await compileLibrary(toolchain, cLibrary, result, compiled, step)
    compiled.push(result)
  }
  step.detail(`${compiled.length} libraries`)
  return compiled
}

const compilerFlags = (cLibrary: CLibrary) => [
  ...targetFlags(cLibrary),
  ...['-O2', '-g0', '-w', '-ffunction-sections', '-fdata-sections', '-fno-strict-aliasing'],
]

/** The folder for a library, whose name has the hash of the library's inputs. */
export async function placeOf(
  toolchain: Toolchain,
  cLibrary: CLibrary,
  library: Library,
): Promise<CompiledLibrary> {
  const { folder: source, version } =
    library.package === undefined
      ? { folder: TOOLCHAIN_SOURCE, version: '' }
      : await getSourcePackage(toolchain, library.package)
  const { lazy: _, inServer: __, uses: ___, ...recipe } = library
  if (typeof recipe.sources === 'function') recipe.sources = recipe.sources(toolchain.outside(source))
  const key = hashOf(JSON.stringify(recipe), version, ...compilerFlags(cLibrary))
  const folder = `${toolchain.work}/libraries/${library.name}-${key}`
  return {
    ...{ library, folder, source, version, include: `${folder}/include` },
    archive: `${folder}/lib/lib${library.name}.a`,
    inServer: (library.inServer ?? []).map(name => objectOf(folder, name)),
  }
}

async function compileLibrary(
  toolchain: Toolchain,
  cLibrary: CLibrary,
  result: CompiledLibrary,
  others: readonly CompiledLibrary[],
  step: Step,
): Promise<void> {
  const { library, folder, source, version } = result
  const compiler = compilerFlags(cLibrary)
  const fail = (doing: string) => ({ log: logFile(`library-${library.name}`), doing })
  mkdirSync(toolchain.outside(`${folder}/lib`), { recursive: true })
  let objects: string[]
  let prepared = source
  if (library.prepare !== undefined) {
    prepared = `${folder}/build`
    await prepare(toolchain, library, source, prepared, compiler, step)
    objects = []
  } else {
    writeConfigured(toolchain, library, source, result.include, version)
    const flags = [
      ...compiler,
      `-I${result.include}`,
      ...others.map(({ include }) => `-I${include}`),
      ...library.flags.map(flag => flag.replaceAll('SOURCE', source)),
    ]
    objects = await compileAll(
      toolchain,
      library.name,
      folder,
      source,
      sourcesOf(toolchain, library, source),
      flags,
      step,
    )
  }
  for (const [name, from] of Object.entries(library.headers))
    for (const each of [from].flat())
      copyHeaders(toolchain.outside(`${prepared}/${each}`), toolchain.outside(join(result.include, name)))
  const unfinished = `${result.archive}.unfinished`
  rmSync(toolchain.outside(unfinished), { force: true })
  if (library.prepare === undefined)
    await toolchain.run(['llvm-ar', 'rcsD', unfinished, ...objects], fail(`make the library ${library.name}`))
  else cpSync(toolchain.outside(`${prepared}/lib${library.name}.a`), toolchain.outside(unfinished))
  renameSync(toolchain.outside(unfinished), toolchain.outside(result.archive))
  rmSync(toolchain.outside(`${folder}/build`), { recursive: true, force: true })
  removeOldSiblings(toolchain.outside(folder), 2)
}

/** Has the library's own build system make it, in a copy of its source. */
async function prepare(
  toolchain: Toolchain,
  library: Library,
  source: string,
  folder: string,
  compiler: string[],
  step: Step,
): Promise<void> {
  rmSync(toolchain.outside(folder), { recursive: true, force: true })
  cpSync(toolchain.outside(source), toolchain.outside(folder), { recursive: true, verbatimSymlinks: true })
  const cc = `${folder}/library-cc`
  writeFileSync(toolchain.outside(cc), `#!/bin/sh\nexec clang ${compiler.join(' ')} "$@"\n`, { mode: 0o755 })
  let count = 0
  for (const command of library.prepare ?? []) {
    const parallel = command[0] === 'make' ? [`-j${availableParallelism()}`] : []
    await toolchain.run([...command, ...parallel], {
      cwd: folder,
      env: { CC: cc, AR: 'llvm-ar', RANLIB: 'llvm-ranlib' },
      log: logFile(`library-${library.name}-${basename(command[0]!)}`),
      doing: `compile the library ${library.name}`,
      onLine: line => {
        if (line.startsWith(cc)) step.detail(`${library.name}: ${++count} objects`)
      },
    })
  }
}

function objectOf(folder: string, name: string): string {
  return `${folder}/objects/${name.replaceAll('/', '-')}.o`
}

async function compileAll(
  toolchain: Toolchain,
  library: string,
  folder: string,
  source: string,
  names: string[],
  flags: string[],
  step: Step,
): Promise<string[]> {
  mkdirSync(toolchain.outside(`${folder}/objects`), { recursive: true })
  const failures: string[] = []
  let next = 0
  const worker = async () => {
    for (let i = next++; i < names.length && failures.length === 0; i = next++) {
      const object = objectOf(folder, names[i]!)
      if (existsSync(toolchain.outside(object))) continue
      step.detail(`${library}: ${i + 1} of ${names.length}`)
      try {
        await toolchain.run(
          ['clang', ...flags, '-c', `${source}/${names[i]}`, '-o', `${object}.unfinished`],
          {
            log: logFile(`library-${library}`),
            doing: `compile ${names[i]} of the library ${library}`,
          },
        )
      } catch (error) {
        if (!(error instanceof BuildFailure)) throw error
        failures.push(error.message)
        return
      }
      renameSync(toolchain.outside(`${object}.unfinished`), toolchain.outside(object))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  if (failures.length > 0) throw new BuildFailure(failures.join('\n\n'))
  return names.map(name => objectOf(folder, name))
}

function sourcesOf(toolchain: Toolchain, { name, sources, without = [] }: Library, source: string): string[] {
  if (typeof sources === 'function') return sources(toolchain.outside(source))
  const matching = (pattern: string) => {
    const folder = dirname(pattern)
    const expression = new RegExp(`^${basename(pattern).replace('.', '\\.').replace('*', '.*')}$`)
    return readdirSync(toolchain.outside(`${source}/${folder}`))
      .filter(file => expression.test(file))
      .map(file => join(folder, file))
      .sort()
  }
  const omitted = without.flatMap(matching)
  const found = sources.flatMap(matching).filter(file => !omitted.includes(file))
  if (found.length === 0) throw new BuildFailure(`no sources of the library ${name} are in ${source}`)
  return found
}

/** Writes the headers that the library's configure script would write. */
function writeConfigured(
  toolchain: Toolchain,
  library: Library,
  source: string,
  include: string,
  version: string,
): void {
  const upstream = version.replace(/^\d+:/, '').replace(/[+-].*$/, '')
  const [major = 0, minor = 0, micro = 0] = upstream.split('.').map(Number)
  const number = String(major * 10_000 + minor * 100 + micro)
  mkdirSync(toolchain.outside(include), { recursive: true })
  for (const [name, { template, values = {} }] of Object.entries(library.configured ?? {})) {
    const text =
      template === undefined ? '' : readFileSync(toolchain.outside(`${source}/${template}`), 'utf8')
    const filled = text.replace(/@(\w+)@/g, (_, variable: string) => {
      if (/_VERSION_NUMBER$/.test(variable)) return number
      if (/VERSION$/.test(variable)) return upstream
      return values[variable] ?? (variable.startsWith('WITH_') ? '0' : '')
    })
    const path = toolchain.outside(join(include, name))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, filled)
  }
}

function copyHeaders(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (/^(libxml|openssl)$/.test(entry.name)) copyHeaders(join(from, entry.name), join(to, entry.name))
    } else if (entry.name.endsWith('.h')) cpSync(join(from, entry.name), join(to, entry.name))
  }
}
