/**
 * Finds the folder of this package, which has the files that a server needs: what the build makes (wasm/dist) and the code of threads and
 * other processes (dist). If the package's code lies where npm has installed it, the code knows the folder. If a bundler has moved the code,
 * an option or the environment names the folder; otherwise this file looks for it where node_modules usually is.
 *
 * Electron's fs reads in asar archives as in folders, but threads and system calls need files, so the folder is never one in an archive.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StartupError } from '../cluster/startup-error.js'
import { realPath } from './paths.js'

const NAME = 'pglite-imports-server'
export const VARIABLE = 'PGLITE_IMPORTS_PACKAGE'

/** In a constant of its own: where bundlers see `new URL(…, import.meta.url)`, they look for a file to copy. undefined in some bundles. */
const MODULE: string | undefined = import.meta.url

/** What shows that a folder is this package's. */
const WITNESS = join('wasm', 'dist', 'postgres.wasm')

let told: string | undefined
let found: string | undefined

/**
 * Says where the package's folder is, for all servers of this process.
 *
 * @throws StartupError if a server already uses another one
 */
export function tellPackageFolder(folder: string): void {
  told = resolve(folder)
  if (found !== undefined && (!existsSync(told) || found !== realPath(told)))
    throw new StartupError(`the files of ${NAME} are in use from ${found} in this process, not from ${told}`)
}

/**
 * Without symbolic links, such as pnpm's: processes may reach the folder itself only.
 *
 * @throws StartupError that says what to write into which configuration, if the folder cannot be found
 */
export function packageFolder(): string {
  found ??= realPath(told === undefined ? find() : given(told, 'the option packageDir'))
  return found
}

function find(): string {
  const { [VARIABLE]: variable } = process.env
  if (variable) return given(resolve(variable), VARIABLE)
  const own = ownFolder()
  const packed = own !== undefined && isPacked(own)
  // One elsewhere, such as that of the project which the archive is made from, would not be where the application is installed.
  const candidates = packed
    ? [unpacked(own), ...inResources()]
    : [...(own === undefined ? [] : [own]), ...installed()]
  const folder = candidates.find(isPackage)
  if (folder !== undefined) return folder
  if (own !== undefined && existsSync(join(own, 'packaging')))
    throw new StartupError(`${join(own, WITNESS)} is missing: run "npm run build"`, 'ENOENT')
  if (packed)
    throw new StartupError(
      `the code of ${NAME} is in an asar archive, and its files are not beside it: ${UNPACK}`,
      'ENOENT',
    )
  throw new StartupError(
    `the code of ${NAME} is in a bundle, and its files are not beside it: ${advice()}, or name a copy of ` +
      `node_modules/${NAME} by ${VARIABLE} in the environment or the option packageDir`,
    'ENOENT',
  )
}

function given(folder: string, by: string): string {
  if (isPacked(folder)) throw new StartupError(`${by} names ${folder}, in an asar archive: ${UNPACK}`)
  if (isPackage(folder)) return folder
  throw new StartupError(`${by} names ${folder}, in which there is no ${WITNESS}`, 'ENOENT')
}

const isPackage = (folder: string) => existsSync(join(folder, WITNESS))

/** Three folders above this file, in dist/wasm/node/ or dist/wasm/chunks/. */
function ownFolder(): string | undefined {
  return MODULE?.startsWith('file:') ? dirname(dirname(dirname(dirname(fileURLToPath(MODULE))))) : undefined
}

const ARCHIVE = /\.asar(?=[\\/])/

const isPacked = (folder: string) => ARCHIVE.test(folder)

/** Where Electron's packagers put files that have to be files. */
const unpacked = (folder: string) => folder.replace(ARCHIVE, '.asar.unpacked')

/** What makes Electron's packagers do so. */
const UNPACK =
  `write asarUnpack: ['node_modules/${NAME}/**'] for electron-builder, or asar: { unpackDir: 'node_modules/${NAME}' } ` +
  'for Electron Forge and Electron Packager'

/** The folder in a packaged application of Electron, also for code that a bundler has moved. */
function inResources(): string[] {
  const { resourcesPath } = process as NodeJS.Process & { resourcesPath?: string }
  return resourcesPath === undefined ? [] : [join(resourcesPath, 'app.asar.unpacked', 'node_modules', NAME)]
}

/** Folders of that name in node_modules, or beside the program, of which this program may have been made. */
function* installed(): Generator<string> {
  yield* inResources()
  const { argv, execPath } = process
  for (const start of [argv[1] && dirname(resolve(argv[1])), process.cwd(), dirname(execPath)]) {
    if (!start) continue
    yield join(start, NAME)
    for (let at = start; ; at = dirname(at)) {
      yield join(at, 'node_modules', NAME)
      if (at === dirname(at)) break
    }
  }
}

/** webpack's own variable, in what it bundles. */
declare const __webpack_require__: unknown

/** What keeps the package out of the bundle that this code seems to be in. */
function advice(): string {
  if (process.env.NEXT_RUNTIME !== undefined)
    return `write serverExternalPackages: ['${NAME}'] into next.config`
  if (typeof __webpack_require__ !== 'undefined')
    return `write externals: { '${NAME}': 'commonjs ${NAME}' } into webpack.config`
  if ('Bun' in globalThis) return `put a copy of node_modules/${NAME} beside the executable`
  return `keep the package out of it (esbuild --external:${NAME}; ssr: { external: ['${NAME}'] } in vite.config)`
}
