/** No file and no function has more lines than one can read without losing the thread. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { filesBelow } from '../../wasm/build/hash.js'
import { repository } from '../../wasm/build/paths.js'

const LINES_OF_FILE = 400
const LINES_OF_FUNCTION = 80

const FOLDERS = [
  ...[
    'bench',
    'bin',
    'browser',
    'c',
    'embedded',
    'examples',
    'packaging',
    'server',
    'test',
    'testing',
    'wasm',
    'workers',
    '.ci',
  ],
]

interface Extent {
  name: string
  lines: number
}

/** Whether this function declares tests, like one that `describe` gets: its length does not count. */
function isSuite(node: ts.Node): boolean {
  const body = 'body' in node ? (node.body as ts.Node | undefined) : undefined
  return body !== undefined && /^ *(test|it)[.(]/m.test(body.getText())
}

/** The functions of a TypeScript or JavaScript file, those within others as well. */
function functionsOfScript(file: string, text: string): Extent[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const found: Extent[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && !isSuite(node))
      found.push({
        name: `${node.name?.getText() ?? 'a function'} in line ${lineOf(node.getStart()) + 1}`,
        lines: lineOf(node.getEnd()) - lineOf(node.getStart()) + 1,
      })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The functions of a C file: each body's braces are the first of their lines. */
function functionsOfC(text: string): Extent[] {
  const lines = text.split('\n')
  const found: Extent[] = []
  let start = -1
  for (const [index, line] of lines.entries()) {
    if (line === '{') start = index
    if (line !== '}' || start < 0) continue
    found.push({ name: `${lines[start - 1]} in line ${start}`, lines: index - start + 1 })
    start = -1
  }
  return found
}

const files = FOLDERS.flatMap(folder =>
  filesBelow(join(repository, folder)).map(name => `${folder}/${name}`),
).filter(name => /\.(tsx?|mjs|js|c|cpp|h)$/.test(name) && !/^wasm\/dist\/|node_modules|\/dist\//.test(name))

const textOf = (file: string) => readFileSync(join(repository, file), 'utf8')

test('no file has more than 400 lines', () => {
  expect(files.length).toBeGreaterThan(300)
  const long = files.map(file => ({ file, lines: textOf(file).split('\n').length - 1 }))
  expect(long.filter(({ lines }) => lines > LINES_OF_FILE)).toEqual([])
})

test('no function has more than 80 lines', () => {
  const functions = files.flatMap(file => {
    const ofFile = /\.(c|cpp|h)$/.test(file)
      ? functionsOfC(textOf(file))
      : functionsOfScript(file, textOf(file))
    return ofFile.map(extent => ({ file, ...extent }))
  })
  expect(functions.length).toBeGreaterThan(3000)
  expect(functions.filter(({ lines }) => lines > LINES_OF_FUNCTION)).toEqual([])
})
