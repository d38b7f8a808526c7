/**
 * Writes the server module, for hosts without a file system: files.bin, with all files that the server reads (its format:
 * wasm/cluster/files-bin.ts); template.bin, with those of the template; and module.js, which imports everything as a module.
 * PostgreSQL checks that a loadable module's file exists before it asks the host for the module, so files.bin has empty ones.
 *
 * module.js imports template.br.bin, which is template.bin compressed by Brotli: a cluster that leaves its unchanged pages in the template
 * keeps this file, because a later version has another template. Node and browsers read template.bin, because a start takes less time so, and
 * browsers have no Brotli.
 *
 * ICU's data and those of glibc's locales are separate (icu.js, locales.js), because few need them and a Worker's memory is small.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { TEMPLATE } from '../cluster/files-bin.js'
import { FOR_INITDB } from './artefacts.js'
import { filesBelow } from './hash.js'
import { ICU_DATA } from './icu-data.js'
import { LOCALE_DATA } from './locale-data.js'
import type { Template } from './template.js'

/** The best that there is; it takes some seconds. The window is larger than the template. */
const BROTLI = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 }

/**
 * @param folder the folder of artefacts, complete except for these files and the manifest
 * @param names the names of all modules in lib/
 */
export function writeServerModule(folder: string, names: readonly string[], template: Template): void {
  const all = new FilesBin()
  const apart = (name: string) => FOR_INITDB.test(name) || [ICU_DATA, LOCALE_DATA].includes(`share/${name}`)
  for (const name of filesBelow(join(folder, 'share')).filter(name => !apart(name)))
    all.addFile(`/pgsql/share/${name}`, readFileSync(join(folder, 'share', name)))
  for (const name of ['bin/postgres', ...names.map(name => `lib/${name}.so`)])
    all.addFile(`/pgsql/${name}`, Buffer.alloc(0))
  writeFileSync(join(folder, 'files.bin'), all.bytes())

  const ofTemplate = new FilesBin()
  for (const name of template.names) {
    const path = join(template.folder, name)
    if (statSync(path).isDirectory()) ofTemplate.addDirectory(`${TEMPLATE}/${name}`)
    else ofTemplate.addFile(`${TEMPLATE}/${name}`, readFileSync(path))
  }
  writeFileSync(join(folder, 'template.bin'), ofTemplate.bytes())
  const compressed = brotliCompressSync(ofTemplate.bytes(), { params: BROTLI })
  writeFileSync(join(folder, 'template.br.bin'), compressed)
  const hash = createHash('sha256').update(compressed).digest('hex')
  writeFileSync(join(folder, 'module.js'), moduleText(names, hash))
  writeFileSync(join(folder, 'module.d.ts'), MODULE_TYPE)
  for (const [name, file] of [
    ['icu', ICU_DATA],
    ['locales', LOCALE_DATA],
  ] as const) {
    writeFileSync(join(folder, `${name}.js`), `export { default } from './${file}'\n`)
    writeFileSync(join(folder, `${name}.d.ts`), dataType(name))
  }
}

/** What a file in the format of files.bin is made of. */
class FilesBin {
  readonly #entries: [path: string, offset?: number, length?: number][] = []
  readonly #contents: Uint8Array[] = []
  readonly #places = new Map<string, number>()
  readonly #directories = new Set<string>()
  #end = 0

  addDirectory(path: string): void {
    if (path === '' || this.#directories.has(path)) return
    this.addDirectory(path.slice(0, path.lastIndexOf('/')))
    this.#directories.add(path)
    this.#entries.push([path])
  }

  addFile(path: string, content: Buffer): void {
    this.addDirectory(path.slice(0, path.lastIndexOf('/')))
    const key = content.toString('latin1')
    const offset = this.#places.get(key) ?? this.#end
    if (offset === this.#end) {
      this.#contents.push(content)
      this.#end += content.length
    }
    this.#places.set(key, offset)
    this.#entries.push([path, offset, content.length])
  }

  bytes(): Buffer {
    const header = Buffer.from(JSON.stringify(this.#entries))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(header.length)
    return Buffer.concat([length, header, ...this.#contents])
  }
}

const MODULE_TYPE = `import type { ServerModule } from '../../dist/workers/server-module.js'

declare const module: ServerModule
export default module
`

const dataType = (name: string) => `declare const ${name}: ArrayBuffer
export default ${name}
`

function moduleText(names: readonly string[], templateHash: string): string {
  const imports = names.map((name, i) => `import m${i} from './lib/${name}.so.wasm'`)
  const entries = names.map((name, i) => `    [${JSON.stringify(name)}, m${i}],`)
  return [
    "import files from './files.bin'",
    "import bytes from './template.br.bin'",
    "import kernel from './kernel.wasm'",
    "import postgres from './postgres.wasm'",
    ...imports,
    'export default {',
    '  files,',
    `  archive: { hash: '${templateHash}', bytes },`,
    '  programs: {',
    '    kernel,',
    '    postgres,',
    '    modules: new Map([',
    ...entries.map(entry => `  ${entry}`),
    '    ]),',
    '  },',
    '}',
    '',
  ].join('\n')
}
