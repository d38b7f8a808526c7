/**
 * Makes the relocation of a linked module small.
 *
 * A position independent module exports `__wasm_apply_data_relocs`, which adds the module's address to each pointer in its data.
 * wasm-ld writes it as straight-line code of some twenty bytes for each pointer: half a megabyte that the engine compiles and every
 * process runs once. Here it becomes a loop over a table with one byte for each pointer. What it does, and when the loader calls it,
 * stays the same.
 */
import { BuildFailure } from './failure.js'
import {
  counted,
  mapSections,
  Opcode,
  Reader,
  readExports,
  readImports,
  Section,
  signed,
  unsigned,
  vector,
} from './wasm-binary.js'

export const RELOCATE = '__wasm_apply_data_relocs'

/** The bases that are added to a pointer: the address of the module's data, and the first slot of its functions in the table. */
const BASES = ['__memory_base', '__table_base'] as const
type Base = (typeof BASES)[number]

/** A byte of the table says how many words lie between the last pointer and the next. This byte: as many words, and no pointer. */
const SKIP = 255
const WORD = 4

/** Instructions, by their opcodes. */
const I32_NE = 0x47
const I32_SHL = 0x74
const I32_LOAD = [0x28, 2, 0]
const I32_LOAD8_U = [0x2d, 0, 0]
const I32_STORE = 0x36
const LOCAL_GET = 0x20
const LOCAL_SET = 0x21
const LOOP = [0x03, 0x40]
const IF = [0x04, 0x40]
const BR_IF = 0x0d
const I32 = 0x7f

interface Relocations {
  /** Offsets in the module's data, by the base that is added there. */
  offsets: Record<Base, number[]>
  /** Code for the other pointers, which lead into other modules. */
  rest: number[]
}

export function packRelocations(module: Uint8Array): Uint8Array {
  let imports: ReturnType<typeof readImports> = { functions: [], types: [], globals: [] }
  let relocate: number | undefined
  let segments = 0
  mapSections(module, (id, section) => {
    if (id === Section.Import) imports = readImports(section)
    else if (id === Section.Export)
      relocate = readExports(section).find(({ name }) => name === RELOCATE)?.index
    else if (id === Section.DataCount) segments = section.unsigned()
    return undefined
  })
  const needed = ['__stack_pointer', ...BASES]
  // A module without a stack is small, and stays as it is.
  if (relocate === undefined || !needed.every(name => imports.globals.includes(name))) return module
  const index = relocate - imports.functions.length
  const global = (name: string) => imports.globals.indexOf(name)

  let tables: [Base, Uint8Array][] = []
  return mapSections(module, (id, section) => {
    if (id === Section.DataCount) return Buffer.from(unsigned(segments + BASES.length))
    if (id === Section.Code) {
      const bodies = section.vector(() => section.bytesCounted())
      const relocations = readRelocations(new Reader(bodies[index]!), imports.globals)
      tables = BASES.map(base => [base, table(relocations.offsets[base])])
      bodies[index] = loops(tables, segments, global, relocations.rest)
      return vector(bodies.map(counted))
    }
    if (id === Section.Data) {
      const count = section.unsigned()
      const present = section.take(section.bytes.length - section.at)
      const passive = tables.flatMap(([, bytes]) => [Buffer.from([1]), counted(bytes)])
      return Buffer.concat([Buffer.from(unsigned(count + tables.length)), present, ...passive])
    }
    return undefined
  })
}

/** A pointer in the data that the linker's code makes. */
export interface RelocatedPointer {
  /** In bytes from __memory_base. */
  readonly address: number
  /** What is added to the addend, which is in the data already. */
  readonly base: string | undefined
  readonly code: Uint8Array
}

function readRelocations(body: Reader, globals: readonly string[]): Relocations {
  const relocations: Relocations = { offsets: { __memory_base: [], __table_base: [] }, rest: [] }
  body.vector(() => body.take(2)) // local variables
  for (const { address, base, code } of relocationsIn(body, globals)) {
    const known = BASES.find(name => name === base)
    if (known !== undefined) relocations.offsets[known].push(address)
    else relocations.rest.push(...code)
  }
  return relocations
}

/** Reads wasm-ld's code: for each pointer, `*(base + offset) = base + addend`. */
export function* relocationsIn(body: Reader, globals: readonly string[]): Generator<RelocatedPointer> {
  const stack: { base?: string | undefined; value: number }[] = []
  const pop = () => {
    const value = stack.pop()
    if (value === undefined) throw new BuildFailure(`${RELOCATE} is not what wasm-ld writes`)
    return value
  }
  for (let start = body.at; ; ) {
    const opcode = body.byte()
    if (opcode === Opcode.I32_CONST) stack.push({ value: body.signed() })
    else if (opcode === Opcode.GLOBAL_GET) stack.push({ base: globals[body.unsigned()], value: 0 })
    else if (opcode === Opcode.I32_ADD) {
      const [right, left] = [pop(), pop()]
      stack.push({ base: left.base ?? right.base, value: left.value + right.value })
    } else if (opcode === I32_STORE) {
      body.unsigned() // alignment
      const offset = body.unsigned()
      const [value, address] = [pop(), pop()]
      yield { address: address.value + offset, base: value.base, code: body.bytes.subarray(start, body.at) }
      start = body.at
    } else if (opcode === Opcode.END) return
    else throw new BuildFailure(`${RELOCATE} is not what wasm-ld writes: opcode ${opcode}`)
  }
}

function table(offsets: number[]): Uint8Array {
  const bytes: number[] = []
  let last = 0
  for (const offset of offsets.sort((a, b) => a - b)) {
    let words = (offset - last) / WORD
    if (!Number.isInteger(words)) throw new BuildFailure('a pointer in the data is not aligned')
    for (; words >= SKIP; words -= SKIP) bytes.push(SKIP)
    bytes.push(words)
    last = offset
  }
  return Uint8Array.from(bytes)
}

/** The new body, with `rest` at its end. Each table is laid on the unused part of the stack while it is read. */
function loops(
  tables: readonly [Base, Uint8Array][],
  firstSegment: number,
  global: (name: string) => number,
  rest: readonly number[],
): Uint8Array {
  const [next, at, words] = [0, 1, 2]
  const get = (name: string) => [Opcode.GLOBAL_GET, ...unsigned(global(name))]
  const constant = (value: number) => [Opcode.I32_CONST, ...signed(value)]
  const locals = [1, 3, I32]
  const code = tables.flatMap(([base, { length }], i) =>
    length === 0
      ? []
      : [
          ...[...get('__stack_pointer'), ...constant(length), Opcode.I32_SUB, Opcode.LOCAL_TEE, next],
          ...[...constant(0), ...constant(length), ...Opcode.MEMORY_INIT, ...unsigned(firstSegment + i), 0],
          ...[...get('__memory_base'), LOCAL_SET, at],
          ...LOOP,
          ...[LOCAL_GET, at, LOCAL_GET, next, ...I32_LOAD8_U, Opcode.LOCAL_TEE, words],
          ...[...constant(Math.log2(WORD)), I32_SHL, Opcode.I32_ADD, LOCAL_SET, at],
          ...[LOCAL_GET, words, ...constant(SKIP), I32_NE, ...IF],
          ...[LOCAL_GET, at, LOCAL_GET, at, ...I32_LOAD, ...get(base), Opcode.I32_ADD, I32_STORE, 2, 0],
          Opcode.END,
          ...[LOCAL_GET, next, ...constant(1), Opcode.I32_ADD, Opcode.LOCAL_TEE, next],
          ...[...get('__stack_pointer'), I32_NE, BR_IF, 0],
          Opcode.END,
        ],
  )
  return Uint8Array.from([...locals, ...code, ...rest, Opcode.END])
}
