/** Reads wasm-ld's own sections of a linked module: names, symbols, and relocations, which say where each symbol's address is. */
import { BuildFailure } from './failure.js'
import { mapSections, Reader, Section } from './wasm-binary.js'

/** Kinds of relocations (tool-conventions' Linking.md) that are told apart here. */
export const Relocations = {
  /** A pointer in the data. */
  Pointer: 5,
  /** The number of a global, in code. */
  Global: 7,
  /** A symbol's distance from __memory_base, in code. */
  Distance: 11,
} as const

/** The kinds of relocations that have an addend: those of data, and offsets in functions and sections. */
const WITH_ADDEND = new Set([3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25])
const OF_DATA = new Set([3, 4, 5, 11, 14, 15, 16, 17, 21, 23, 25])

const SYMBOL_TABLE = 8
const [FUNCTION_NAMES, SEGMENT_NAMES] = [1, 9]
const [UNDEFINED, EXPLICIT_NAME] = [0x10, 0x40]
const SymbolKind = { Function: 0, Data: 1, Global: 2, Section: 3 } as const

export interface Relocation {
  readonly kind: number
  /** In bytes from the beginning of the section's contents. */
  readonly offset: number
  /** Of a symbol of data: the segment that it is in. */
  readonly segment: number | undefined
  /** Of another symbol: its number among its kind. */
  readonly index: number | undefined
}

interface Symbol {
  readonly segment?: number
  readonly index?: number
}

export class LinkerSections {
  readonly #functions = new Map<string, number>()
  readonly #segments = new Map<string, number>()
  readonly #contents = new Map<number, Uint8Array>()
  /** By the number of the section that they are in. */
  readonly #relocations = new Map<number, Relocation[]>()

  constructor(module: Uint8Array) {
    const sections: number[] = []
    let symbols: Symbol[] = []
    mapSections(module, (id, section) => {
      sections.push(id)
      this.#contents.set(id, section.bytes)
      if (id !== Section.Custom) return undefined
      const name = section.name()
      if (name === 'name') this.#readNames(section)
      else if (name === 'linking') symbols = readSymbols(section)
      else if (name === 'reloc.CODE' || name === 'reloc.DATA') {
        const target = sections[section.unsigned()]!
        this.#relocations.set(target, readRelocations(section, symbols))
      }
      return undefined
    })
  }

  contentOf(section: number): Uint8Array {
    return this.#contents.get(section)!
  }

  /** Those in a section, in the order of their offsets. */
  relocations(section: number): readonly Relocation[] {
    const relocations = this.#relocations.get(section)
    if (relocations === undefined) throw new BuildFailure('a module was linked without --emit-relocs')
    return relocations
  }

  functionNamed(name: string): number {
    const index = this.#functions.get(name)
    if (index === undefined) throw new BuildFailure(`a linked module has no function ${name}`)
    return index
  }

  segmentNamed(name: string): number {
    const index = this.#segments.get(name)
    if (index === undefined) throw new BuildFailure(`a linked module has no segment ${name}`)
    return index
  }

  #readNames(section: Reader): void {
    while (!section.done) {
      const type = section.byte()
      const names = new Reader(section.bytesCounted())
      const into =
        type === FUNCTION_NAMES ? this.#functions : type === SEGMENT_NAMES ? this.#segments : undefined
      if (into === undefined) continue
      names.vector(() => {
        const index = names.unsigned()
        into.set(names.name(), index)
      })
    }
  }
}

function readSymbols(section: Reader): Symbol[] {
  section.unsigned() // version
  while (!section.done) {
    const type = section.byte()
    const table = new Reader(section.bytesCounted())
    if (type === SYMBOL_TABLE) return table.vector(() => readSymbol(table))
  }
  throw new BuildFailure('a linked module has no table of symbols')
}

function readSymbol(table: Reader): Symbol {
  const kind = table.byte()
  const flags = table.unsigned()
  if (kind === SymbolKind.Data) {
    table.name()
    if (flags & UNDEFINED) return {}
    const segment = table.unsigned()
    table.unsigned() // its place there
    table.unsigned() // its size
    return { segment }
  }
  const index = table.unsigned()
  if (kind !== SymbolKind.Section && (!(flags & UNDEFINED) || flags & EXPLICIT_NAME)) table.name()
  return { index }
}

function readRelocations(section: Reader, symbols: readonly Symbol[]): Relocation[] {
  const relocations = section.vector(() => {
    const kind = section.byte()
    const offset = section.unsigned()
    const symbol = section.unsigned()
    if (WITH_ADDEND.has(kind)) section.signed()
    const { segment, index } = symbols[symbol] ?? {}
    return { kind, offset, segment: OF_DATA.has(kind) ? segment : undefined, index }
  })
  return relocations.sort((a, b) => a.offset - b.offset)
}
