/**
 * Removes the functions that loadable modules import from a program's exports.
 *
 * For every export of every instance an engine makes an object that JavaScript could call: 20 MB and a tenth of a second of
 * processor time for the thousand functions that modules import from postgres.wasm, in processes of which few load any module. So
 * the functions are put into the function table instead, where C's pointers to them have to point anyway, and a section named
 * `symbols` has their slots: the loader takes those that it needs (wasm/machine/loadable-modules.ts).
 */
import { MEMORY_INFO } from '../machine/program.js'
import { BuildFailure } from './failure.js'
import {
  counted,
  type Export,
  Kind,
  mapSections,
  Opcode,
  type Reader,
  readExports,
  Section,
  unsigned,
  vector,
  writeExport,
} from './wasm-binary.js'

/** The linker's name for a function in place of another one begins with this. Modules know it by the other one's name. */
export const WRAPPER = '__wrap_'

/** Flags of a segment for table 0 at an offset: wasm-ld writes no other kind here. */
const ACTIVE = 0

export function tabulateExports(program: Uint8Array, names: ReadonlySet<string>): Uint8Array {
  let exports: Export[] = []
  let table: FunctionTable | undefined
  mapSections(program, (id, section) => {
    if (id === Section.Export) exports = readExports(section)
    if (id === Section.Element) table = new FunctionTable(section)
    return undefined
  })
  if (table === undefined) throw new BuildFailure('a program has no function table')
  const places = table
  const isSymbol = ({ name, kind }: Export) => kind === Kind.Function && names.has(name)
  const symbols = exports
    .filter(isSymbol)
    .map(({ name, index }) => [name.replace(WRAPPER, ''), places.placeOf(index)] as const)

  const changed = mapSections(program, (id, section) => {
    if (id === Section.Export) return vector(exports.filter(entry => !isSymbol(entry)).map(writeExport))
    if (id === Section.Element) return places.write()
    if (id === Section.Custom && section.name() === 'dylink.0')
      return Buffer.concat([counted(Buffer.from('dylink.0')), tableOfSize(section, places.size)])
    return undefined
  })
  const text = Buffer.from(JSON.stringify(Object.fromEntries(symbols)))
  const section = Buffer.concat([counted(Buffer.from('symbols')), text])
  return Buffer.concat([changed, Buffer.from([Section.Custom]), counted(section)])
}

/** The functions that the table of a new instance holds, from the place that the instance is given in the table on. */
class FunctionTable {
  readonly #offset: Uint8Array
  readonly #functions: number[]
  readonly #places = new Map<number, number>()

  constructor(section: Reader) {
    const [segments, kind, opcode] = [section.unsigned(), section.unsigned(), section.byte()]
    if (segments !== 1 || kind !== ACTIVE || opcode !== Opcode.GLOBAL_GET)
      throw new BuildFailure('the function table of a program has another form than wasm-ld writes')
    this.#offset = Buffer.from([opcode, ...unsigned(section.unsigned()), section.byte()])
    if (this.#offset.at(-1) !== Opcode.END)
      throw new BuildFailure('the place of the function table is computed')
    this.#functions = section.vector(() => section.unsigned())
    for (const [place, index] of this.#functions.entries())
      if (!this.#places.has(index)) this.#places.set(index, place)
  }

  get size(): number {
    return this.#functions.length
  }

  /** The function's slot. A function without one is added at the end. */
  placeOf(index: number): number {
    const place = this.#places.get(index) ?? this.#functions.push(index) - 1
    this.#places.set(index, place)
    return place
  }

  write(): Uint8Array {
    const functions = vector(this.#functions.map(index => Buffer.from(unsigned(index))))
    return Buffer.concat([Buffer.from([1, ACTIVE]), this.#offset, functions])
  }
}

/** The rest of a `dylink.0` section, for a table of another size. */
function tableOfSize(section: Reader, size: number): Uint8Array {
  const parts: Uint8Array[] = []
  while (!section.done) {
    const type = section.byte()
    const length = section.unsigned()
    const end = section.at + length
    if (type === MEMORY_INFO) {
      const memory = [section.unsigned(), section.unsigned()]
      section.unsigned()
      const alignment = section.unsigned()
      const numbers = [...memory, size, alignment].flatMap(unsigned)
      parts.push(Buffer.from([type]), counted(Buffer.from(numbers)))
    } else parts.push(Buffer.from([type]), counted(section.take(length)))
    section.at = end
  }
  return Buffer.concat(parts)
}
