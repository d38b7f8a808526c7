/** Reads and writes WebAssembly's binary format, as far as the build needs it to change parts of a linked module. */

/** Numbers of sections. */
export const Section = {
  Custom: 0,
  Type: 1,
  Import: 2,
  Function: 3,
  Export: 7,
  Element: 9,
  Code: 10,
  Data: 11,
  DataCount: 12,
} as const

/** Kinds of imports and exports. */
export const Kind = { Function: 0, Table: 1, Memory: 2, Global: 3, Tag: 4 } as const

/** Instructions that more than one part of the build writes or looks for. */
export const Opcode = {
  I32_CONST: 0x41,
  I32_ADD: 0x6a,
  I32_SUB: 0x6b,
  GLOBAL_GET: 0x23,
  LOCAL_TEE: 0x22,
  END: 0x0b,
  MEMORY_INIT: [0xfc, 8],
} as const

/** Bytes: "\0asm" and the format's version. */
const HEADER_SIZE = 8

export class Reader {
  at = 0

  constructor(readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length
  }

  byte(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw new Error('a WebAssembly module is cut short')
    return value
  }

  take(length: number): Uint8Array {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  unsigned(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }

  signed(): number {
    let value = 0
    for (let shift = 7; ; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << (shift - 7)
      if (byte < 0x80) return byte & 0x40 && shift < 32 ? value | (-1 << shift) : value
    }
  }

  /** Bytes with their number in front. */
  bytesCounted(): Uint8Array {
    return this.take(this.unsigned())
  }

  name(): string {
    return Buffer.from(this.bytesCounted()).toString()
  }

  /** Items with their number in front. */
  vector<T>(item: () => T): T[] {
    return Array.from({ length: this.unsigned() }, item)
  }
}

/** A number in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return [...bytes, value]
}

export function signed(value: number): number[] {
  const bytes: number[] = []
  for (; value < -0x40 || value >= 0x40; value >>= 7) bytes.push((value & 0x7f) | 0x80)
  return [...bytes, value & 0x7f]
}

/** Bytes with their number in front. */
export const counted = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(unsigned(bytes.length)), bytes])

/** Items with their number in front. */
export const vector = (items: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([Buffer.from(unsigned(items.length)), ...items])

/** Calls `section` for each section. It returns new contents, or undefined to leave the section as it is, or null to remove it. */
export function mapSections(
  module: Uint8Array,
  section: (id: number, payload: Reader) => Uint8Array | null | undefined,
): Uint8Array {
  const reader = new Reader(module)
  const parts = [reader.take(HEADER_SIZE)]
  while (!reader.done) {
    const id = reader.byte()
    const payload = reader.bytesCounted()
    const changed = section(id, new Reader(payload))
    if (changed !== null) parts.push(Buffer.from([id]), counted(changed ?? payload))
  }
  return Buffer.concat(parts)
}

/** The names of a module's imports, in the order of their indices, and the types of the imported functions. */
export function readImports(section: Reader): { functions: string[]; types: number[]; globals: string[] } {
  const functions: string[] = []
  const types: number[] = []
  const globals: string[] = []
  const limits = () => {
    const flags = section.byte()
    section.unsigned()
    if (flags & 1) section.unsigned()
  }
  section.vector(() => {
    section.name()
    const name = section.name()
    const kind = section.byte()
    if (kind === Kind.Function) functions.push(name)
    else if (kind === Kind.Global) globals.push(name)
    if (kind === Kind.Function) types.push(section.unsigned())
    else if (kind === Kind.Memory) limits()
    else if (kind === Kind.Table) section.byte() && limits()
    else section.take(2) // a global's type and whether it can change; a tag's attribute and type
  })
  return { functions, types, globals }
}

export interface Export {
  name: string
  /** One of `Kind`. */
  kind: number
  /** Among all of its kind, imported ones first. */
  index: number
}

export const readExports = (section: Reader): Export[] =>
  section.vector(() => ({ name: section.name(), kind: section.byte(), index: section.unsigned() }))

export const writeExport = ({ name, kind, index }: Export): Uint8Array =>
  Buffer.concat([counted(Buffer.from(name)), Buffer.from([kind, ...unsigned(index)])])

const VALUE_TYPES = { 127: 'i32', 126: 'i64', 125: 'f32', 124: 'f64' } as const
export type ValueType = (typeof VALUE_TYPES)[keyof typeof VALUE_TYPES]

export interface FunctionType {
  parameters: ValueType[]
  result: ValueType | undefined
}

/** The functions that a module of C code exports, by name. */
export function exportedFunctions(module: Uint8Array): Map<string, FunctionType> {
  const functions = new Map<string, FunctionType>()
  let types: FunctionType[] = []
  let typeOf: number[] = []
  mapSections(module, (id, section) => {
    const valueType = () => VALUE_TYPES[section.byte() as keyof typeof VALUE_TYPES]
    if (id === Section.Type)
      types = section.vector(() => {
        section.byte() // that it is a function
        return { parameters: section.vector(valueType), result: section.vector(valueType)[0] }
      })
    else if (id === Section.Import) typeOf = readImports(section).types
    else if (id === Section.Function) typeOf.push(...section.vector(() => section.unsigned()))
    else if (id === Section.Export)
      for (const { name, kind, index } of readExports(section))
        if (kind === Kind.Function) functions.set(name, types[typeOf[index]!]!)
    return undefined
  })
  return functions
}

/** Where the contents of the code section begin, in bytes from the module's beginning. */
export function codeOffset(module: Uint8Array): number {
  const reader = new Reader(module)
  reader.take(HEADER_SIZE)
  for (;;) {
    const id = reader.byte()
    const length = reader.unsigned()
    if (id === Section.Code) return reader.at
    reader.take(length)
  }
}
