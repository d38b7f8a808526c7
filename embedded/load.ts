/** Fetches and compiles a server module where no bundler imports it: in browsers, Deno and Bun. */
import { ICU_DATA_FILE, LOCALES_FILE } from '../wasm/machine/postgres-abi.js'
import type { ServerModule } from './server-module.js'
import { importUnshared } from './unshared.js'

/** In a constant of its own: where bundlers see `new URL(…, import.meta.url)`, they look for a file to copy. undefined in some bundles. */
const MODULE: string | undefined = import.meta.url

/** The package's wasm/dist/. */
const PACKAGED = MODULE === undefined ? undefined : new URL('../../wasm/dist/', MODULE)

/** What loadModule() fetches. */
export interface LoadOptions {
  /** Whether to fetch ICU's data as well, 5 MB, for its collations. Default: no. */
  icu?: boolean
  /** Whether to fetch the data of glibc's locales as well, 3 MB, for collations such as "de_DE.utf8". Default: no. */
  locales?: boolean
  /**
   * Whether to use a memory that threads can share. A server here has one thread, so it makes no difference. Default: if there is such
   * memory, which a browser may give only to pages that are cross-origin isolated.
   */
  shared?: boolean
}

/**
 * @param base URL of a folder with the files of the package's `wasm/dist`, relative to the page in a browser. Default: the folder
 *   in the package
 * @throws Error when a file cannot be fetched
 */
export async function loadModule(
  base: string | URL | undefined = PACKAGED,
  options: LoadOptions = {},
): Promise<ServerModule> {
  const { shared = 'SharedArrayBuffer' in globalThis } = options
  if (base === undefined)
    throw new Error(
      "in this bundle loadModule() needs the URL of a folder with the files of the package's wasm/dist",
    )
  const folder = new URL(base, globalThis.location?.href)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  const get = async (name: string): Promise<Response> => {
    const url = new URL(name, folder)
    const response = await fetch(url)
    if (!response.ok) throw new Error(`cannot fetch ${url}: ${response.status} ${response.statusText}`)
    return response
  }
  const bytes = async (name: string) => (await get(name)).arrayBuffer()
  const compile = async (name: string) => {
    const module = await bytes(name)
    if (!shared) importUnshared(new Uint8Array(module))
    return WebAssembly.compile(module)
  }
  const files = bytes('files.bin')
  const template = bytes('template.bin')
  const icu = options.icu ? bytes(`share/${ICU_DATA_FILE}`) : undefined
  const locales = options.locales ? bytes(`share/${LOCALES_FILE}`) : undefined
  const kernel = compile('kernel.wasm')
  const postgres = compile('postgres.wasm')
  const manifest = (await (await get('manifest.json')).json()) as {
    modules: string[]
    sharedLibraries: string[]
  }
  const names = [...manifest.modules, ...manifest.sharedLibraries]
  const modules = await Promise.all(
    names.map(async name => [name, await compile(`lib/${name}.so.wasm`)] as const),
  )
  return {
    files: await files,
    template: await template,
    ...(icu && { icu: await icu }),
    ...(locales && { locales: await locales }),
    programs: { kernel: await kernel, postgres: await postgres, modules: new Map(modules), shared },
  }
}
