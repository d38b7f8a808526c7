/**
 * Gives a relocatable WebAssembly object the walls of a shared library.
 *
 * Loadable modules of PostgreSQL bring their own copies of functions that the server has too (libpq has its own JSON
 * parser and memory functions), and all define `_PG_init`. Linked statically these names would collide, or worse, be
 * confused. So every symbol of a module becomes local to it, except those it exports, which get the module's name in
 * front. This edits only the symbol table in the custom section "linking"; its format is in
 * https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md and the rest is WebAssembly's binary format.
 */

const SECTION = { custom: 0, type: 1, import: 2, function: 3 }
const SYMBOL_TABLE = 8
const SYMBOL = { function: 0, data: 1, global: 2, section: 3, event: 4, table: 5 }
const FLAG = { bindingMask: 3, local: 2, hidden: 4, undefined: 16, explicitName: 64 }

export interface ExportedFunction {
  /** As the module's source calls it: `_PG_init`. */
  name: string
  /** As it is called in the object now. */
  linkName: string
  /** Value types as C types. */
  parameters: string[]
  result: string
}

class Reader {
  position = 0
  constructor(readonly bytes: Uint8Array) {}

  get atEnd(): boolean {
    return this.position >= this.bytes.length
  }
  byte(): number {
    return this.bytes[this.position++]!
  }
  /** Unsigned LEB128. */
  number(): number {
    let result = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      result += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return result
    }
  }
  take(length: number): Uint8Array {
    this.position += length
    return this.bytes.subarray(this.position - length, this.position)
  }
  string(): string {
    return Buffer.from(this.take(this.number())).toString()
  }
}

class Writer {
  readonly #parts: Uint8Array[] = []

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }
  number(value: number): this {
    const bytes: number[] = []
    for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
    return this.raw(Uint8Array.from([...bytes, value]))
  }
  sized(bytes: Uint8Array): this {
    return this.number(bytes.length).raw(bytes)
  }
  string(text: string): this {
    return this.sized(Buffer.from(text))
  }
  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts)
  }
}

/** Returns the object with all symbols local except the exported functions, which are renamed `module:name`. */
export function isolateModule(
  module: string,
  object: Uint8Array,
): { object: Uint8Array; exported: ExportedFunction[] } {
  const file = new Reader(object)
  const result = new Writer().raw(file.take(8))
  const exported: ExportedFunction[] = []
  let types: FunctionType[] = []
  const functions: FunctionType[] = []

  while (!file.atEnd) {
    const id = file.byte()
    let content = file.take(file.number())
    if (id === SECTION.type) types = readTypes(new Reader(content))
    if (id === SECTION.import)
      functions.push(...readImportedFunctions(new Reader(content)).map(type => types[type]!))
    if (id === SECTION.function) {
      const section = new Reader(content)
      for (let count = section.number(); count > 0; count--) functions.push(types[section.number()]!)
    }
    if (id === SECTION.custom && new Reader(content).string() === 'linking')
      content = rewriteLinking(content, symbol => {
        const { parameters, result } = functions[symbol.index]!
        const linkName = `${module}:${symbol.name}`
        exported.push({ name: symbol.name, linkName, parameters, result })
        return linkName
      })
    result.raw(Uint8Array.of(id)).sized(content)
  }
  return { object: result.bytes, exported: exported.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

interface FunctionType {
  parameters: string[]
  result: string
}

const C_TYPE: Record<number, string> = { 127: 'int', 126: 'long long', 125: 'float', 124: 'double' }

function readTypes(section: Reader): FunctionType[] {
  const valueTypes = () => Array.from({ length: section.number() }, () => C_TYPE[section.byte()]!)
  return Array.from({ length: section.number() }, () => {
    section.byte() // 0x60: a function type
    const parameters = valueTypes()
    return { parameters, result: valueTypes()[0] ?? 'void' }
  })
}

/** Type indices of the imported functions; other imports are passed over. */
function readImportedFunctions(section: Reader): number[] {
  const limits = () => {
    const flags = section.number()
    section.number()
    if (flags & 1) section.number()
  }
  const functions: number[] = []
  for (let count = section.number(); count > 0; count--) {
    section.string()
    section.string()
    const kind = section.byte()
    if (kind === 0) functions.push(section.number())
    else if (kind === 1) section.take(1) && limits()
    else if (kind === 2) limits()
    else if (kind === 3) section.take(2)
    else section.take(1) && section.number()
  }
  return functions
}

interface FunctionSymbol {
  name: string
  index: number
}

/** Copies the section "linking" with every defined symbol made local, unless `rename` is asked and names it anew. */
function rewriteLinking(content: Uint8Array, rename: (symbol: FunctionSymbol) => string): Uint8Array {
  const section = new Reader(content)
  const result = new Writer().string(section.string()).number(section.number())
  while (!section.atEnd) {
    const kind = section.byte()
    const subsection = section.take(section.number())
    const copy = kind === SYMBOL_TABLE ? rewriteSymbols(new Reader(subsection), rename) : subsection
    result.raw(Uint8Array.of(kind)).sized(copy)
  }
  return result.bytes
}

function rewriteSymbols(table: Reader, rename: (symbol: FunctionSymbol) => string): Uint8Array {
  const count = table.number()
  const result = new Writer().number(count)
  for (let i = 0; i < count; i++) {
    const kind = table.byte()
    const flags = table.number()
    const defined = !(flags & FLAG.undefined)
    const exported = kind === SYMBOL.function && defined && !(flags & (FLAG.hidden | FLAG.bindingMask))
    const isolated = !defined || exported ? flags : (flags & ~FLAG.bindingMask) | FLAG.local
    result.raw(Uint8Array.of(kind)).number(isolated)

    if (kind === SYMBOL.section) {
      result.number(table.number())
    } else if (kind === SYMBOL.data) {
      result.string(table.string())
      if (defined) result.number(table.number()).number(table.number()).number(table.number())
    } else {
      const index = table.number()
      result.number(index)
      if (defined || flags & FLAG.explicitName) {
        const name = table.string()
        result.string(exported ? rename({ name, index }) : name)
      }
    }
  }
  return result.bytes
}
