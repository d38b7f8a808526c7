/**
 * What each folder may import: arrows between folders go one way, those between files lead back to none, and the portable folders
 * take nothing from Node.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'

const PORTABLE = ['wasm/protocol', 'wasm/machine', 'wasm/cluster', 'wasm/queries', 'wasm/metrics']
const ANY_PACKAGE = /./

/** By folder, the folders and the packages that its files may import beside their own. */
const FOLDERS: Record<string, { folders: string[]; packages?: RegExp }> = {
  'wasm/protocol': { folders: [] },
  'wasm/machine': { folders: ['wasm/protocol'] },
  'wasm/cluster': {
    folders: ['wasm/protocol', 'wasm/machine'],
    packages: /^(#duplex|node:stream|tar-stream)$/,
  },
  'wasm/queries': { folders: [], packages: /^(node:stream|pg)$/ },
  'wasm/metrics': { folders: [] },
  'wasm/node': { folders: PORTABLE, packages: ANY_PACKAGE },
  'wasm/build': { folders: [...PORTABLE, 'wasm/node'], packages: ANY_PACKAGE },
  // Before server/, which it is in: it runs in browsers.
  'server/console/page': {
    folders: ['wasm/protocol'],
    packages:
      /^(@codemirror\/|@dagrejs\/dagre$|@lezer\/highlight$|@noble\/hashes\/|@preact\/signals$|@tanstack\/virtual-core$|preact$|preact\/hooks$|uplot)/,
  },
  server: { folders: [...PORTABLE, 'wasm/node'], packages: ANY_PACKAGE },
  testing: { folders: ['server', 'wasm/node'], packages: ANY_PACKAGE },
  bin: { folders: [...PORTABLE, 'wasm/node', 'server'], packages: ANY_PACKAGE },
  embedded: { folders: PORTABLE, packages: /^node:stream$/ },
  browser: { folders: [...PORTABLE, 'embedded'], packages: /^node:stream$/ },
  workers: { folders: [...PORTABLE, 'embedded'], packages: /^node:zlib$/ },
}

const folderOf = (file: string) => Object.keys(FOLDERS).find(folder => file.startsWith(`${folder}/`))

/** What is wrong with the imports of this file, each with file and line. */
function strayImports(file: string, text: string): string[] {
  const folder = folderOf(file)!
  const { folders, packages } = FOLDERS[folder]!
  return ts.preProcessFile(text).importedFiles.flatMap(({ fileName, pos }) => {
    const place = `${file}:${text.slice(0, pos).split('\n').length}`
    if (fileName.endsWith('.css')) return []
    if (!fileName.startsWith('.'))
      return packages?.test(fileName) ? [] : [`${place}: ${folder}/ may not import "${fileName}"`]
    const target = folderOf(normalize(join(dirname(file), fileName)))
    if (target === folder || (target !== undefined && folders.includes(target))) return []
    return [`${place}: ${folder}/ may not import from ${target ?? dirname(fileName)}/`]
  })
}

const files = ['wasm', 'server', 'testing', 'bin', 'embedded', 'browser', 'workers'].flatMap(folder =>
  readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .map(entry => relative(repository, join(entry.parentPath, entry.name)))
    .filter(name => /\.tsx?$/.test(name) && !name.endsWith('.d.ts') && !name.startsWith('wasm/dist/')),
)

test('every source file is in a folder that says what it may import', () => {
  expect(files.filter(file => folderOf(file) === undefined)).toEqual([])
})

test('imports go in one direction', () => {
  expect(files.length).toBeGreaterThan(100)
  expect(files.flatMap(file => strayImports(file, readFileSync(join(repository, file), 'utf8')))).toEqual([])
})

/** A way from a file back to itself along these imports, if there is one. */
function cycleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const free = new Set<string>()
  const path: string[] = []
  const search = (file: string): string[] | undefined => {
    if (free.has(file)) return undefined
    const before = path.indexOf(file)
    if (before >= 0) return [...path.slice(before), file]
    path.push(file)
    for (const imported of imports.get(file) ?? []) {
      const cycle = search(imported)
      if (cycle !== undefined) return cycle
    }
    path.pop()
    free.add(file)
    return undefined
  }
  for (const file of imports.keys()) {
    const cycle = search(file)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** The files of the tree that this one imports, for their types only as well. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(repository, file), 'utf8'))
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => normalize(join(dirname(file), fileName)).replace(/\.js$/, '.ts'))
    .map(imported => (existsSync(join(repository, imported)) ? imported : `${imported}x`))
}

test('no file imports itself by way of others', () => {
  const imports = new Map(files.map(file => [file, importsOf(file)]))
  expect([...imports.values()].flat().filter(file => imports.has(file)).length).toBeGreaterThan(300)
  expect(cycleIn(imports)?.join(' -> ')).toBeUndefined()
})

test('a cycle is named by the files on it', () => {
  const imports = { a: ['b', 'e'], b: ['c'], c: ['d', 'b'], d: [], e: [] }
  expect(cycleIn(new Map(Object.entries(imports)))).toEqual(['b', 'c', 'b'])
  expect(cycleIn(new Map(Object.entries({ ...imports, c: ['d'] })))).toBeUndefined()
})

test('an import against the direction is named with its file and line', () => {
  const text = `import { a } from './memory.js'\nimport { b } from '../node/host.js'\nimport 'node:fs'\n`
  expect(strayImports('wasm/machine/kernel.ts', text)).toEqual([
    'wasm/machine/kernel.ts:2: wasm/machine/ may not import from wasm/node/',
    'wasm/machine/kernel.ts:3: wasm/machine/ may not import "node:fs"',
  ])
})
