/**
 * Writes dist/commonjs/: the package for require(). Node before 20.19 and Jest cannot require() modules. Each entry is one file, in which
 * paths relative to a module are relative to the module in dist/, so that threads and other processes run the same files. The
 * declarations are those of the modules: the folder's package.json says to TypeScript that they are of CommonJS files here.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const target = join(dist, 'commonjs')

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What npm installs beside this package, or the project has already. */
const installed = [manifest.dependencies, manifest.peerDependencies].flatMap(Object.keys)

/** The modules that package.json has a file for require() of. */
const entries = Object.values(manifest.exports).flatMap(({ require: file }) =>
  file === undefined ? [] : [relative('dist/commonjs', file.default).replace(/\.js$/, '')],
)

/**
 * Has the code in this file know where the modules are that it was made of.
 *
 * @returns {import('esbuild').Plugin}
 */
function urlsOfModules(/** @type {string} */ file) {
  return {
    name: 'urls-of-modules',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        if (!text.includes('import.meta.url')) return undefined
        const module = join(dist, relative(root, path)).replace(/\.ts$/, '.js')
        const place = JSON.stringify(relative(dirname(file), module).replaceAll('\\', '/'))
        const url = `require('node:url').pathToFileURL(require('node:path').join(__dirname, ${place})).href`
        return { contents: text.replaceAll('import.meta.url', url), loader: 'ts' }
      })
    },
  }
}

async function bundle(/** @type {string} */ entry) {
  const outfile = join(target, `${entry}.js`)
  await build({
    absWorkingDir: root,
    entryPoints: [`${entry}.ts`],
    bundle: true,
    external: installed,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outfile,
    plugins: [urlsOfModules(outfile)],
    logLevel: 'warning',
    // import.meta would be empty.
    logOverride: { 'empty-import-meta': 'error' },
  })
}

/** Copies the declarations of a module, and those that it imports. */
function copyDeclarations(/** @type {string} */ file, /** @type {Set<string>} */ copied) {
  if (copied.has(file)) return
  copied.add(file)
  const copy = join(target, relative(dist, file))
  mkdirSync(dirname(copy), { recursive: true })
  copyFileSync(file, copy)
  for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles)
    if (fileName.startsWith('.'))
      copyDeclarations(join(dirname(file), fileName.replace(/\.js$/, '.d.ts')), copied)
}

rmSync(target, { recursive: true, force: true })
await Promise.all(entries.map(bundle))
writeFileSync(join(target, 'package.json'), '{ "type": "commonjs" }\n')
const copied = new Set()
for (const entry of entries) copyDeclarations(join(dist, `${entry}.d.ts`), copied)
