/**
 * Joins the compiled modules of what Node starts to few files, because to read, link and compile each takes a millisecond or two: those of
 * the command and the library, with common parts and what is loaded on demand in dist/wasm/chunks/, and those of the threads.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  // What npm installs beside this package, or the project has already.
  external: [dependencies, peerDependencies].flatMap(Object.keys),
  platform: 'node',
  target: 'node20',
  outbase: '.',
  outdir: 'dist',
  allowOverwrite: true,
  logLevel: 'warning',
}

rmSync(join(root, 'dist/wasm/chunks'), { recursive: true, force: true })
await build({
  ...common,
  entryPoints: ['bin/pglite-imports-server.ts', 'bin/program.ts', 'server/index.ts', 'wasm/node/index.ts'],
  format: 'esm',
  splitting: true,
  chunkNames: 'wasm/chunks/[hash]',
})
// A thread starts soonest from a file that Node need not read as a module.
await build({
  ...common,
  entryPoints: ['wasm/node/worker.ts'],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // import.meta would be empty.
  logOverride: { 'empty-import-meta': 'error' },
})
