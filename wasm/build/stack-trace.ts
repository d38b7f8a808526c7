/**
 * `npm run stack-trace -- [FILE]`: copies a text, of a file or of standard input, and names the C function and line of each
 * WebAssembly frame of the stack traces in it. For inlined code it writes a line for each function into which the code was inlined.
 *
 * wasm/dist/ must be the build that the stack trace comes from, and a debug build (PGLITE_IMPORTS_DEBUG=1 npm run build). Only the kernels
 * that tests run on always have their lines.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { filesBelow } from './hash.js'
import { logFile, dist as published } from './paths.js'
import { getToolchain, type Toolchain } from './toolchain.js'
import { codeOffset } from './wasm-binary.js'

/** As V8 writes one: "at wasm://wasm/postgres-1a2b3c4d:wasm-function[123]:0x4567", the offset in the module's bytes. */
const FRAME = /(wasm:\/\/wasm\/[^\s():]+):wasm-function\[\d+\]:(0x[0-9a-f]+)/

/** The function's name in such a line, if the module has names: "at postgres.wasm.int4div (wasm://…". */
const NAME = /\bat (?:\S+\.wasm\.)?(\S+) \(wasm:/
/** What the symbolizer writes for a function whose name it does not know. */
const UNNAMED = '??'

/** The modules in a folder, by the URLs that V8 gives them. */
function modulesByUrl(folder: string): Map<string, string> {
  const modules = new Map<string, string>()
  const session = new Session()
  session.connect()
  let file = ''
  session.on('Debugger.scriptParsed', ({ params: { url } }) => {
    if (url.startsWith('wasm://')) modules.set(url, file)
  })
  session.post('Debugger.enable')
  for (const name of filesBelow(folder).filter(name => name.endsWith('.wasm'))) {
    file = join(folder, name)
    new WebAssembly.Module(readFileSync(file))
  }
  session.disconnect()
  return modules
}

/**
 * The places in C of these offsets in a module's bytes, as lines `function at file:line`: one of the function, and one for each into
 * which that is inlined.
 */
async function locate(toolchain: Toolchain, file: string, offsets: string[]): Promise<string[][]> {
  const module = readFileSync(file)
  if (!module.includes('.debug_line'))
    return offsets.map(() => ['no debug build: PGLITE_IMPORTS_DEBUG=1 npm run build'])
  // Programs of the toolchain see no other folder.
  const copy = `${toolchain.work}/stack-trace.wasm`
  writeFileSync(toolchain.outside(copy), module)
  const output = await toolchain.run(
    [
      'llvm-symbolizer',
      '--pretty-print',
      '--functions=short',
      `--adjust-vma=${codeOffset(module)}`,
      `--obj=${copy}`,
      ...offsets,
    ],
    { log: logFile('stack-trace'), doing: 'look for lines of C' },
  )
  return output.split('\n\n').map(places => places.split('\n').filter(place => place !== ''))
}

/** The places of all frames in a text, by the frame. */
async function placesOf(toolchain: Toolchain, text: string): Promise<Map<string, string[]>> {
  const offsets = new Map<string, Map<string, string>>()
  for (const [frame, url, offset] of text.matchAll(new RegExp(FRAME, 'g'))) {
    const ofModule = offsets.get(url!) ?? new Map<string, string>()
    offsets.set(url!, ofModule.set(frame, offset!))
  }
  const modules = modulesByUrl(published)
  const places = new Map<string, string[]>()
  for (const [url, ofModule] of offsets) {
    const file = modules.get(url)
    const located = file === undefined ? [] : await locate(toolchain, file, [...ofModule.values()])
    for (const [index, frame] of [...ofModule.keys()].entries())
      places.set(frame, located[index] ?? ['of another build than wasm/dist/'])
  }
  return places
}

async function main(): Promise<void> {
  const text = readFileSync(process.argv[2] ?? 0, 'utf8')
  const places = await placesOf(await getToolchain({ detail: () => {} }), text)
  for (const line of text.split('\n')) {
    console.log(line)
    // The lines of source lack the names of functions into which none is inlined; V8 has them.
    const name = NAME.exec(line)?.[1] ?? UNNAMED
    for (const place of places.get(FRAME.exec(line)?.[0] ?? '') ?? [])
      console.log(`        ${place.startsWith(UNNAMED) ? name + place.slice(UNNAMED.length) : place}`)
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(error.message)
  process.exitCode = 1
}
