/**
 * Writes the server module, for hosts without a file system: module.js, which imports everything as a module, and files.bin, with all
 * files that the server reads (its format: wasm/cluster/files-bin.ts). PostgreSQL checks that a loadable module's file exists before
 * it asks the host for the module, so files.bin has empty ones.
 *
 * ICU's data and those of glibc's locales are separate (icu.js, locales.js), because few need them and a Worker's memory is small.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TEMPLATE } from '../cluster/files-bin.js'
import { FOR_INITDB } from './artefacts.js'
import { filesBelow } from './hash.js'
import { ICU_DATA } from './icu-data.js'
import { LOCALE_DATA } from './locale-data.js'
import type { Template } from './template.js'

/**
 * @param folder the folder of artefacts, complete except for these files and the manifest
 * @param names the names of all modules in lib/
 */
export function writeServerModule(folder: string, names: readonly string[], template: Template): void {
  const entries: [path: string, offset?: number, length?: number][] = []
  const contents: Uint8Array[] = []
  const places = new Map<string, number>()
  let end = 0
  const directories = new Set<string>()
  const addDirectory = (path: string) => {
    if (path === '' || directories.has(path)) return
    addDirectory(path.slice(0, path.lastIndexOf('/')))
    directories.add(path)
    entries.push([path])
  }
  const addFile = (path: string, content: Buffer) => {
    addDirectory(path.slice(0, path.lastIndexOf('/')))
    const key = content.toString('latin1')
    const offset = places.get(key) ?? end
    if (offset === end) {
      contents.push(content)
      end += content.length
    }
    places.set(key, offset)
    entries.push([path, offset, content.length])
  }

  const apart = (name: string) => FOR_INITDB.test(name) || [ICU_DATA, LOCALE_DATA].includes(`share/${name}`)
  for (const name of filesBelow(join(folder, 'share')).filter(name => !apart(name)))
    addFile(`/pgsql/share/${name}`, readFileSync(join(folder, 'share', name)))
  for (const name of ['bin/postgres', ...names.map(name => `lib/${name}.so`)])
    addFile(`/pgsql/${name}`, Buffer.alloc(0))
  for (const name of template.names) {
    const path = join(template.folder, name)
    if (statSync(path).isDirectory()) addDirectory(`${TEMPLATE}/${name}`)
    else addFile(`${TEMPLATE}/${name}`, readFileSync(path))
  }

  const header = Buffer.from(JSON.stringify(entries))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(header.length)
  writeFileSync(join(folder, 'files.bin'), Buffer.concat([length, header, ...contents]))
  writeFileSync(join(folder, 'module.js'), moduleText(names))
  writeFileSync(join(folder, 'module.d.ts'), MODULE_TYPE)
  for (const [name, file] of [
    ['icu', ICU_DATA],
    ['locales', LOCALE_DATA],
  ] as const) {
    writeFileSync(join(folder, `${name}.js`), `export { default } from './${file}'\n`)
    writeFileSync(join(folder, `${name}.d.ts`), dataType(name))
  }
}

const MODULE_TYPE = `import type { ServerModule } from '../../dist/workers/server-module.js'

declare const module: ServerModule
export default module
`

const dataType = (name: string) => `declare const ${name}: ArrayBuffer
export default ${name}
`

function moduleText(names: readonly string[]): string {
  const imports = names.map((name, i) => `import m${i} from './lib/${name}.so.wasm'`)
  const entries = names.map((name, i) => `    [${JSON.stringify(name)}, m${i}],`)
  return [
    "import files from './files.bin'",
    "import kernel from './kernel.wasm'",
    "import postgres from './postgres.wasm'",
    ...imports,
    'export default {',
    '  files,',
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
