/** Fetches and compiles a server module where no bundler imports it: in browsers, Deno and Bun. */
import type { ServerModule } from './server-module.js'

/** The package's wasm/dist/. */
const PACKAGED = new URL('../../wasm/dist/', import.meta.url)

export interface LoadOptions {
  /** Whether to fetch ICU's data as well, 5 MB, for its collations. Default: no. */
  icu?: boolean
}

/**
 * @param base URL of a folder with the files of the package's `wasm/dist`, relative to the page in a browser. Default: the folder
 *   in the package
 * @throws Error when a file cannot be fetched
 */
export async function loadModule(
  base: string | URL = PACKAGED,
  options: LoadOptions = {},
): Promise<ServerModule> {
  const folder = new URL(base, globalThis.location?.href)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  const get = async (name: string): Promise<Response> => {
    const url = new URL(name, folder)
    const response = await fetch(url)
    if (!response.ok) throw new Error(`cannot fetch ${url}: ${response.status} ${response.statusText}`)
    return response
  }
  const bytes = async (name: string) => (await get(name)).arrayBuffer()
  const compile = async (name: string) => WebAssembly.compile(await bytes(name))
  const files = bytes('files.bin')
  const icu = options.icu ? bytes('share/icu.bin') : undefined
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
    ...(icu && { icu: await icu }),
    programs: { kernel: await kernel, postgres: await postgres, modules: new Map(modules) },
  }
}
