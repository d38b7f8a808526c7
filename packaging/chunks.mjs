/**
 * Joins the compiled modules of what Node starts to few files, because to find, read and link each takes half a millisecond: those of the
 * command and the library, with what is loaded on demand in dist/wasm/chunks/, and those of the threads.
 */
import { readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'
import { rollup } from 'rollup'

const root = fileURLToPath(new URL('..', import.meta.url))
const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** What npm installs beside this package, or the project has already. */
const installed = [dependencies, peerDependencies].flatMap(Object.keys)
const target = 'node20'

/** @type {import('rollup').Plugin} */
const typescript = {
  name: 'typescript',
  resolveId(specifier, importer) {
    if (importer === undefined) return specifier
    if (specifier === '#duplex') return join(root, 'wasm/cluster/duplex.ts')
    if (specifier.startsWith('.') && importer.endsWith('.ts'))
      return join(dirname(importer), specifier.replace(/\.js$/, '.ts'))
    if (isBuiltin(specifier) || installed.includes(specifier)) return { id: specifier, external: true }
    return fileURLToPath(import.meta.resolve(specifier))
  },
  async transform(text, file) {
    if (!file.endsWith('.ts')) return undefined
    const { code } = await transform(text, { loader: 'ts', target, sourcefile: file })
    return { code, map: null }
  },
}

/** What is joined, by the entries that need it. Programs of PostgreSQL start without what a server needs besides. */
const layers = [
  { name: 'wasm', entries: ['wasm/node/index', 'bin/program'] },
  { name: 'server', entries: ['server/index'] },
  { name: 'command', entries: ['bin/pglite-imports-server'] },
]
const entries = layers.flatMap(({ entries }) => entries)
const source = (/** @type {string} */ entry) => join(root, `${entry}.ts`)

/** All that a module imports, and it itself, except what it loads on demand. */
function closureOf(
  /** @type {string} */ id,
  /** @type {import('rollup').GetModuleInfo} */ getModuleInfo,
  closure = new Set(),
) {
  if (closure.has(id)) return closure
  closure.add(id)
  for (const imported of getModuleInfo(id)?.importedIds ?? []) closureOf(imported, getModuleInfo, closure)
  return closure
}

/** @type {import('rollup').GetManualChunk} */
function layerOf(id, { getModuleInfo }) {
  if (entries.some(entry => source(entry) === id)) return undefined
  const reaches = (/** @type {string} */ entry) => closureOf(source(entry), getModuleInfo).has(id)
  return layers.find(({ entries }) => entries.some(reaches))?.name
}

rmSync(join(root, 'dist/wasm/chunks'), { recursive: true, force: true })
const modules = await rollup({
  input: Object.fromEntries(entries.map(entry => [entry, source(entry)])),
  plugins: [typescript],
  treeshake: { moduleSideEffects: false },
})
await modules.write({
  dir: join(root, 'dist'),
  format: 'es',
  chunkFileNames: 'wasm/chunks/[name]-[hash].js',
  manualChunks: layerOf,
  minifyInternalExports: false,
  hoistTransitiveImports: false,
})
await modules.close()

// A thread starts soonest from a file that Node need not read as a module.
await build({
  absWorkingDir: root,
  entryPoints: ['wasm/node/worker.ts'],
  bundle: true,
  external: installed,
  platform: 'node',
  target,
  format: 'cjs',
  outfile: 'dist/wasm/node/worker.cjs',
  logLevel: 'warning',
  // import.meta would be empty.
  logOverride: { 'empty-import-meta': 'error' },
})
