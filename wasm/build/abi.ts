/**
 * Makes wasm/machine/abi.ts, what TypeScript needs of the headers in c/, and wasm/machine/postgres-abi.ts, what it needs of PostgreSQL's.
 *
 * For numbers, strings and the layout of structures it compiles the files of c/abi for the target, and calls each of their
 * functions. It takes signatures from the compiler's syntax tree of each header.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { BuildFailure } from './failure.js'
import type { OwnObjects } from './own-objects.js'
import { logFile, repository } from './paths.js'
import type { Toolchain } from './toolchain.js'

const heading = (about: string) => `/**
 * ${about}. Made by wasm/build/abi.ts from the headers that c/abi/ names: change those, not this,
 * and then run \`npm run build:wasm\`.
 */
`

const ADDRESS = `
/** An address in the linear memory as the engine gives it: signed, so it has to go through \`>>> 0\` first. */
export type Address = number
`

type Flags = Readonly<Record<keyof OwnObjects, string[]>>

interface Interface {
  readonly name: string
  readonly about: string
  /** The header that declares its functions. */
  readonly header: string
  readonly flags: keyof OwnObjects
}

/** The interfaces between WebAssembly and its host. */
const INTERFACES: readonly Interface[] = [
  {
    name: 'KernelFunctions',
    about: 'What kernel.wasm exports: to processes by sys_, all else to the host',
    header: 'kernel/kernel.h',
    flags: 'kernel',
  },
  {
    name: 'KernelImports',
    about: 'What kernel.wasm imports from `host`',
    header: 'kernel/host.h',
    flags: 'kernel',
  },
  {
    name: 'HostImports',
    about: 'What a program imports from `host`',
    header: 'host-imports.h',
    flags: 'posix',
  },
  {
    name: 'ClientImports',
    about: 'What a program imports from `env` for the bytes of its client',
    header: 'pglite-comm-imports.h',
    flags: 'posix',
  },
]

interface AbiFile {
  readonly path: string
  readonly about: string
  /** The files of c/abi, each named as the folder of c/ whose flags it is compiled with. */
  readonly values: readonly (keyof OwnObjects)[]
  readonly interfaces: readonly Interface[]
}

const FILES: readonly AbiFile[] = [
  {
    path: join(repository, 'wasm', 'machine', 'abi.ts'),
    about: 'What TypeScript has to know of C',
    values: ['kernel', 'posix'],
    interfaces: INTERFACES,
  },
  {
    path: join(repository, 'wasm', 'machine', 'postgres-abi.ts'),
    about: 'What TypeScript has to know of PostgreSQL',
    values: ['postgres'],
    interfaces: [],
  },
]

/** The paths of the files that requireAbi() compares. */
export const ABI = FILES.map(({ path }) => path)

/** Names of our functions. Other functions in these headers are the C library's. */
const DECLARED = /^(sys|kernel|host|pglite_js)_/

/** Prefixes of C functions that the names of imports and exports do not have; see c/kernel/kernel.h. */
const PREFIX = /^(kernel|host)_/

/** TypeScript's types for C's. */
const TYPES = new Map([
  ['void', 'void'],
  ['uintptr_t', 'Address'],
  ...['int', 'uint32_t', 'size_t', 'ssize_t', 'double'].map(type => [type, 'number'] as const),
])

/** Compares the repository's files with the headers. If one differs, writes it anew and throws BuildFailure. */
export async function requireAbi(toolchain: Toolchain, flags: Flags): Promise<void> {
  const changed: string[] = []
  for (const file of FILES) {
    const text = await readAbi(toolchain, flags, file)
    if (existsSync(file.path) && readFileSync(file.path, 'utf8') === text) continue
    writeFileSync(file.path, text)
    changed.push(relative(repository, file.path))
  }
  if (changed.length > 0)
    throw new BuildFailure(
      `the build has written ${changed.join(' and ')} anew, because the headers have changed: build again, and commit that`,
    )
}

async function readAbi(toolchain: Toolchain, flags: Flags, file: AbiFile): Promise<string> {
  const values = Object.entries(await readValues(toolchain, flags, file.values))
  const flat = values.filter(([, value]) => typeof value !== 'object')
  const objects = values.filter(([, value]) => typeof value === 'object')
  const parts = [
    flat.map(([name, value]) => `export const ${name} = ${literal(value)}\n`).join(''),
    ...objects.map(([name, value]) => `\nexport const ${name} = ${literal(value)} as const\n`),
    ...(file.interfaces.length > 0 ? [ADDRESS] : []),
  ]
  for (const { name, about, header, flags: which } of file.interfaces) {
    const methods = await readSignatures(toolchain, flags[which], header)
    parts.push(`\n/** ${about} (c/${header}). */\nexport interface ${name} {\n  ${methods.join('\n  ')}\n}\n`)
  }
  return heading(file.about) + parts.join('')
}

interface Tree {
  [name: string]: number | string | Tree
}

/** The results of the functions in c/abi. A dot in a function's name separates an object and its property. */
async function readValues(toolchain: Toolchain, flags: Flags, files: AbiFile['values']): Promise<Tree> {
  const instance = await WebAssembly.instantiate(await linkValues(toolchain, flags, files))
  const memory = instance.exports.memory as WebAssembly.Memory
  const tree: Tree = {}
  for (const [name, value] of Object.entries(instance.exports)) {
    if (typeof value !== 'function') continue
    const [, isString, path = ''] = /^(string )?(.*)$/.exec(name) ?? []
    const steps = path.split('.')
    const last = steps.pop()!
    let branch = tree
    for (const step of steps) {
      branch[step] ??= {}
      branch = branch[step] as Tree
    }
    branch[last] = isString ? stringAt(memory, value()) : value()
  }
  return tree
}

async function linkValues(
  toolchain: Toolchain,
  flags: Flags,
  files: AbiFile['values'],
): Promise<WebAssembly.Module> {
  const log = logFile('abi')
  const objects: string[] = []
  for (const name of files) {
    const object = `${toolchain.work}/abi/${name}.o`
    const source = `${toolchain.work}/c/abi/${name}.c`
    mkdirSync(toolchain.outside(dirname(object)), { recursive: true })
    const doing = `compile c/abi/${name}.c`
    await toolchain.run(['clang', ...flags[name], '-c', source, '-o', object], { log, doing })
    objects.push(object)
  }
  const linked = `${toolchain.work}/abi/abi.wasm`
  await toolchain.run(['wasm-ld', '--no-entry', '-o', linked, ...objects], { log, doing: 'link c/abi' })
  return WebAssembly.compile(readFileSync(toolchain.outside(linked)))
}

function stringAt(memory: WebAssembly.Memory, address: number): string {
  const bytes = new Uint8Array(memory.buffer)
  return Buffer.from(bytes.subarray(address, bytes.indexOf(0, address))).toString()
}

/** As the formatter would write it. */
function literal(value: number | string | Tree, indent = ''): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return `'${value}'`
  const inner = `${indent}  `
  const entries = Object.entries(value).map(([name, part]) => `${inner}${name}: ${literal(part, inner)},\n`)
  return `{\n${entries.join('')}${indent}}`
}

/** A node of clang's syntax tree. */
interface SyntaxNode {
  readonly kind: string
  readonly name?: string
  readonly type?: { readonly qualType: string }
  readonly inner?: readonly SyntaxNode[]
}

/** Leaves out what only a kernel with assertions has, which that of a debug build is. */
const ORDINARY = ['-UUSE_ASSERT_CHECKING']
const AS_TREE = ['-Xclang', '-ast-dump=json']

/** The functions that a header declares, as methods of an interface. */
async function readSignatures(toolchain: Toolchain, flags: string[], header: string): Promise<string[]> {
  const output = await toolchain.run(
    ['clang', ...flags, ...ORDINARY, '-fsyntax-only', ...AS_TREE, `${toolchain.work}/c/${header}`],
    { log: logFile('abi-signatures'), doing: `read c/${header}` },
  )
  const typeOf = (type: string) => {
    const known = type.endsWith('*') ? 'Address' : TYPES.get(type)
    if (known === undefined) throw new BuildFailure(`c/${header}: what is "${type}" in TypeScript?`)
    return known
  }
  const { inner = [] } = JSON.parse(output) as SyntaxNode
  return inner.flatMap(({ kind, name = '', type, inner: parts = [] }) => {
    if (kind !== 'FunctionDecl' || type === undefined || !DECLARED.test(name)) return []
    const parameters = parts
      .filter(part => part.kind === 'ParmVarDecl')
      .map(part => `${part.name}: ${typeOf(part.type!.qualType)}`)
    const returned = typeOf(type.qualType.replace(/ ?\(.*$/, ''))
    return [`${name.replace(PREFIX, '')}(${parameters.join(', ')}): ${returned}`]
  })
}
