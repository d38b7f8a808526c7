/** What documents and comments name is there: files, headings, scripts of package.json. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { filesBelow } from '../../wasm/build/hash.js'
import { repository } from '../../wasm/build/paths.js'

const FOLDERS = [
  'bench',
  'bin',
  'browser',
  'c',
  'docs',
  'embedded',
  'examples',
  'server',
  'test',
  'testing',
  'wasm',
  'workers',
]

/** Files that commands make, and those of a reader's own project. */
const ELSEWHERE = /^(src\/|docs\/api\/|wasm\/dist\/|dist\/|test\/\w+\.rb$|test\/(?:database|goods)\.)/

const files = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...FOLDERS.flatMap(folder => filesBelow(join(repository, folder)).map(name => `${folder}/${name}`)),
].filter(name => !/node_modules|\/dist\/|\/\.next\/|^docs\/api\//.test(name))

const documents = files.filter(name => name.endsWith('.md'))
const sources = files.filter(name => /\.(tsx?|mjs|c|cpp|h)$/.test(name))

const textOf = (file: string) => readFileSync(join(repository, file), 'utf8')
const isThere = (path: string) => ELSEWHERE.test(path) || existsSync(join(repository, path))

/** As a code host makes the anchors of headings. */
function anchorsOf(file: string): string[] {
  const headings = textOf(file).matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function brokenLinks(file: string): string[] {
  const links = [...textOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return links
    .filter(target => !/^[a-z]+:/.test(target))
    .filter(target => {
      const [path = '', anchor] = target.split('#')
      const linked = path === '' ? file : join(dirname(file), path)
      return !isThere(linked) || (anchor !== undefined && !anchorsOf(linked).includes(anchor))
    })
    .map(target => `${file}: ${target}`)
}

/** Paths in backticks that begin in one of the folders, or are those of sources, without those that stand for several. */
function missingPaths(file: string): string[] {
  const paths = [...textOf(file).matchAll(/`([\w./-]+)`/g)].map(([, path = '']) => path)
  return paths
    .filter(path => path.includes('/') && (FOLDERS.includes(path.split('/')[0]!) || /\.(ts|c|h)$/.test(path)))
    .filter(
      path => !/NAME|NNNN/.test(path) && !isThere(path) && !existsSync(join(repository, dirname(file), path)),
    )
    .filter(path => !files.some(name => name.startsWith(`${path}-`)))
    .map(path => `${file}: ${path}`)
}

function missingInComments(file: string): string[] {
  const named = new RegExp(
    String.raw`(?<![\w./-])(?:${FOLDERS.join('|')})\/[\w./-]*\w\.(?:tsx?|mjs|c|cpp|h|md)\b`,
    'g',
  )
  return [...textOf(file).matchAll(named)]
    .filter(([path]) => !isThere(path))
    .map(([path]) => `${file}: ${path}`)
}

test('the links of documents lead to files and headings', () => {
  expect(documents.length).toBeGreaterThan(20)
  expect(documents.flatMap(brokenLinks)).toEqual([])
})

test('the files that documents name are there', () => {
  expect(documents.flatMap(missingPaths)).toEqual([])
})

test('the files that comments name are there', () => {
  expect(sources.length).toBeGreaterThan(300)
  expect(sources.flatMap(missingInComments)).toEqual([])
})

test('the scripts and tests that documents name are there', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const own = documents.filter(file => !file.startsWith('examples/'))
  const named = own.flatMap(file => [
    ...[...textOf(file).matchAll(/npm run (?:--silent )?([a-z][a-z0-9:-]*)/g)]
      .filter(([, script = '']) => scripts[script] === undefined)
      .map(([command]) => `${file}: ${command}`),
    ...[...textOf(file).matchAll(/vitest run (test\/[\w./-]+)/g)]
      .filter(([, path = '']) => !isThere(path))
      .map(([command]) => `${file}: ${command}`),
  ])
  expect(named).toEqual([])
})
