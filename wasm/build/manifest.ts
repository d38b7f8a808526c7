/**
 * wasm/dist/manifest.json: what the artefacts were made from and how large they are.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { filesBelow } from './hash.js'
import type { LazyLibraries } from './lazy-libraries.js'
import type { CompiledLibrary } from './library-objects.js'
import type { LoadableModules } from './loadable-modules.js'
import { logFile } from './paths.js'
import type { Source } from './source.js'
import type { Toolchain } from './toolchain.js'

export interface Manifest {
  /** Hash of this project's files that went in: the build is skipped while it is the same. */
  inputHash: string
  /** "18.6" */
  postgresql: string
  /** Version of Debian's source package: "18.6-3" */
  sourcePackage: string
  toolchain: { emscripten: string; clang: string }
  /** Names of the loadable modules. */
  modules: string[]
  /** Names of the libraries that are modules: "libz". */
  sharedLibraries: string[]
  /** Version of Debian's source package of each library, by the package's name. */
  libraries: Record<string, string>
  /** Bytes of each file at the top of the folder, and of those below lib/ and share/ together. */
  sizes: Record<string, { raw: number; brotli?: number }>
}

/** Good compression in about a second; the last percents would take twenty. */
const BROTLI = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 }

/** Writes the manifest; what it describes must be in the folder. */
export async function writeManifest(
  folder: string,
  inputHash: string,
  toolchain: Toolchain,
  source: Source,
  modules: LoadableModules,
  lazy: LazyLibraries,
  libraries: readonly CompiledLibrary[],
): Promise<void> {
  const sizes: Manifest['sizes'] = {}
  const files = filesBelow(folder)
  for (const name of files.filter(name => !name.includes('/'))) {
    const content = readFileSync(join(folder, name))
    sizes[name] = { raw: content.length }
    if (/\.(wasm|bin)$/.test(name))
      sizes[name].brotli = (await promisify(brotliCompress)(content, { params: BROTLI })).length
  }
  for (const below of ['lib/', 'share/']) {
    const names = files.filter(name => name.startsWith(below))
    sizes[below] = { raw: names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) }
  }

  const version = async (program: string) => {
    const text = await toolchain.run([program, '--version'], {
      log: logFile(`version-${program}`),
      doing: `ask ${program} for its version`,
    })
    return /\d+\.\d+\.\d+/.exec(text)![0]
  }
  const manifest: Manifest = {
    inputHash,
    postgresql: source.version,
    sourcePackage: source.packageVersion,
    toolchain: { emscripten: await version('emcc'), clang: await version('clang') },
    modules: modules.names,
    sharedLibraries: lazy.names,
    libraries: Object.fromEntries(
      libraries.flatMap(({ library, version }) => (library.package ? [[library.package, version]] : [])),
    ),
    sizes,
  }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
