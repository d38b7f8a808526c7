/**
 * Lets all processes share the constants of a program: two of the 2.4 MB of data that each instance would have for itself.
 *
 * wasm-ld addresses everything in a position independent module by its distance from __memory_base, constants included. Here the
 * constants get a fixed address instead, CONSTANTS_AT, below the kernel's variables, and an instance has no room for them any more: its other
 * data keep their distance from __memory_base, which the host therefore puts `skipped` bytes below the place of the instance. Each
 * instance writes the constants when it begins, the same bytes each time. A section named `constants` says what the host has to know
 * (wasm/machine/program.ts).
 *
 * The linker's own relocations (`--emit-relocs`) say where code and data have addresses of constants.
 */
import { BuildFailure } from './failure.js'
import { LinkerSections, type Relocation, Relocations } from './linker-sections.js'
import { RELOCATE, relocationsIn } from './relocations.js'
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

/** The first 64 KiB of the memory stay unused, so that a null pointer leads nowhere. */
export const CONSTANTS_AT = 64 * 1024
/** The strictest alignment that anything in PostgreSQL's data has. */
const ALIGNMENT = 4096

const CONSTANTS = '.rodata'
const VARIABLES = '.data'

const GLOBAL_SET = 0x24
/** The size in bytes of a number that the linker can change. */
const PADDED = 5

export interface SharedConstants {
  readonly module: Uint8Array
  /** Bytes from CONSTANTS_AT on. */
  readonly size: number
}

/** @param module as wasm-ld has linked it with `--emit-relocs` */
export function shareConstants(module: Uint8Array): SharedConstants {
  const program = new Program(module)
  const { start, end, skipped } = program.layout
  const description = { at: CONSTANTS_AT, start, end, skipped }
  const section = Buffer.concat([counted(Buffer.from('constants')), Buffer.from(JSON.stringify(description))])
  const parts = [program.rewritten(), Buffer.from([Section.Custom]), counted(section)]
  return { module: Buffer.concat(parts), size: end - start }
}

/** Where things are, in bytes from __memory_base. */
interface Layout {
  /** The constants. */
  readonly start: number
  readonly end: number
  /** The bytes at the beginning of the data for which an instance has no room. */
  readonly skipped: number
}

class Program {
  readonly #module: Uint8Array
  readonly #sections: LinkerSections
  #imports: ReturnType<typeof readImports> = { functions: [], types: [], globals: [] }
  #relocate = -1
  #code: Uint8Array = new Uint8Array()
  #bodies: { at: number; length: number }[] = []
  /** Of each segment of data, where it begins in the section, and its bytes. */
  #segments: { at: number; length: number }[] = []
  readonly layout: Layout

  constructor(module: Uint8Array) {
    this.#module = module
    this.#sections = new LinkerSections(module)
    mapSections(module, (id, section) => {
      if (id === Section.Import) this.#imports = readImports(section)
      if (id === Section.Export)
        this.#relocate = readExports(section).find(({ name }) => name === RELOCATE)?.index ?? -1
      if (id === Section.Code) this.#readCode(section)
      if (id === Section.Data) this.#readData(section)
      return undefined
    })
    this.layout = this.#readLayout()
  }

  #readCode(section: Reader): void {
    this.#code = section.bytes
    this.#bodies = section.vector(() => {
      const length = section.unsigned()
      section.at += length
      return { at: section.at - length, length }
    })
  }

  #readData(section: Reader): void {
    this.#segments = section.vector(() => {
      if (section.unsigned() !== 1) throw new BuildFailure('a segment of data is not passive')
      const length = section.unsigned()
      section.at += length
      return { at: section.at - length, length }
    })
  }

  get #memoryBase(): number {
    return this.#imports.globals.indexOf('__memory_base')
  }

  /** `global.get __memory_base; i32.add` */
  get #plusBase(): number[] {
    return [Opcode.GLOBAL_GET, ...unsigned(this.#memoryBase), Opcode.I32_ADD]
  }

  #body(name: string): Uint8Array {
    const index = name === RELOCATE ? this.#relocate : this.#sections.functionNamed(name)
    const body = this.#bodies[index - this.#imports.functions.length]
    if (body === undefined) throw new BuildFailure(`there is no function ${name}`)
    return this.#code.subarray(body.at, body.at + body.length)
  }

  /** The places that the function that fills an instance's data names. */
  #readLayout(): Layout {
    const body = Buffer.from(this.#body('__wasm_init_memory'))
    const startOf = (name: string) => {
      const segment = this.#sections.segmentNamed(name)
      const at = body.indexOf(this.#fill(segment))
      // The instruction before has the number that is added to the base.
      for (let from = at - 1; from >= at - PADDED - 1; from--) {
        if (body[from] !== Opcode.I32_CONST) continue
        const reader = new Reader(body.subarray(from + 1))
        const value = reader.signed()
        if (from + 1 + reader.at === at) return value
      }
      throw new BuildFailure(`__wasm_init_memory does not fill ${name} as wasm-ld has it do`)
    }
    const start = startOf(CONSTANTS)
    const end = start + this.#segments[this.#sections.segmentNamed(CONSTANTS)]!.length
    const threadLocal = this.#segments[0]!.length
    const skipped = Math.floor((startOf(VARIABLES) - threadLocal) / ALIGNMENT) * ALIGNMENT
    if (this.#sections.segmentNamed(CONSTANTS) !== 1 || skipped <= 0)
      throw new BuildFailure("a program's data are in another order than wasm-ld writes them")
    return { start, end, skipped }
  }

  /** The code that fills a segment at a distance from the base. */
  #fill(segment: number): Buffer {
    const { length } = this.#segments[segment]!
    const arguments_ = [Opcode.I32_CONST, 0, Opcode.I32_CONST, ...signed(length)]
    return Buffer.from([...this.#plusBase, ...arguments_, ...Opcode.MEMORY_INIT, ...unsigned(segment), 0])
  }

  #isConstant = ({ segment }: Relocation) => segment === 1

  #address(offset: number): number {
    return CONSTANTS_AT + offset - this.layout.start
  }

  rewritten(): Uint8Array {
    const pointers = new Map<number, number>()
    const data = this.#dataWithAddresses(pointers)
    return mapSections(this.#module, (id, section) => {
      if (id === Section.Code) return this.#codeWithAddresses(pointers)
      // All segments except that of zeros, which wasm-ld writes only together with relocations.
      if (id === Section.DataCount) return Buffer.from(unsigned(this.#segments.length - 1))
      if (id === Section.Data) return data
      if (id !== Section.Custom) return undefined
      return ['dylink.0'].includes(section.name()) ? undefined : null
    })
  }

  /** @param pointers gets the pointers to constants, by where they are: those are not relocated any more */
  #dataWithAddresses(pointers: Map<number, number>): Uint8Array {
    const variables = this.#sections.segmentNamed(VARIABLES)
    const { at, length } = this.#segments[variables]!
    const bytes = Buffer.from(this.#sections.contentOf(Section.Data))
    const distance = this.#startOfVariables() - at
    const shared = this.#segments[this.#sections.segmentNamed(CONSTANTS)]!
    for (const relocation of this.#sections.relocations(Section.Data)) {
      const { offset } = relocation
      if (offset >= shared.at && offset < shared.at + shared.length)
        throw new BuildFailure('a constant is an address, which is another in each process')
      if (!this.#isConstant(relocation)) continue
      if (relocation.kind !== Relocations.Pointer || offset < at || offset >= at + length)
        throw new BuildFailure('data have the address of a constant in a form that is not known')
      const value = this.#address(bytes.readUInt32LE(offset))
      bytes.writeUInt32LE(value, offset)
      pointers.set(offset + distance, value)
    }
    const kept = this.#segments.slice(0, -1)
    const segments = kept.map(({ at, length }) =>
      Buffer.concat([Buffer.from([1]), counted(bytes.subarray(at, at + length))]),
    )
    return vector(segments)
  }

  #startOfVariables(): number {
    const body = Buffer.from(this.#body('__wasm_init_memory'))
    const at = body.indexOf(this.#fill(this.#sections.segmentNamed(VARIABLES)))
    return new Reader(body.subarray(body.lastIndexOf(Opcode.I32_CONST, at - 2) + 1)).signed()
  }

  #codeWithAddresses(pointers: ReadonlyMap<number, number>): Uint8Array {
    const replaced = new Map([
      [this.#sections.functionNamed('__wasm_init_memory'), this.#filling()],
      [this.#sections.functionNamed('__wasm_apply_global_relocs'), this.#globals()],
      [this.#relocate, this.#relocating(pointers)],
    ])
    const relocations = this.#sections.relocations(Section.Code)
    let next = 0
    const bodies = this.#bodies.map(({ at, length }, i) => {
      const own: Relocation[] = []
      for (; next < relocations.length && relocations[next]!.offset < at + length; next++)
        own.push(relocations[next]!)
      return counted(replaced.get(i + this.#imports.functions.length) ?? this.#bodyOf(at, at + length, own))
    })
    return vector(bodies)
  }

  /** A function of the compiler's. Whatever it does with a constant's distance from the base, in the end it adds the base. */
  #bodyOf(at: number, end: number, relocations: readonly Relocation[]): Uint8Array {
    const parts: Uint8Array[] = []
    const isBase = new Set(
      relocations
        .filter(({ kind, index }) => kind === Relocations.Global && index === this.#memoryBase)
        .map(({ offset }) => offset),
    )
    let done = at
    for (const relocation of relocations) {
      if (!this.#isConstant(relocation)) continue
      const { offset, kind } = relocation
      if (kind !== Relocations.Distance || this.#code[offset - 1] !== Opcode.I32_CONST)
        throw new BuildFailure('code has the address of a constant in a form that is not known')
      const value = this.#address(new Reader(this.#code.subarray(offset)).signed())
      // `global.get __memory_base; i32.const DISTANCE; i32.add` is the address itself.
      const before = isBase.has(offset - 1 - PADDED) && this.#code[offset + PADDED] === Opcode.I32_ADD
      const from = before ? offset - 1 - PADDED - 1 : offset - 1
      const rest = before ? [] : [Opcode.GLOBAL_GET, ...unsigned(this.#memoryBase), Opcode.I32_SUB]
      parts.push(this.#code.subarray(done, from), Buffer.from([Opcode.I32_CONST, ...signed(value), ...rest]))
      done = before ? offset + PADDED + 1 : offset + PADDED
    }
    return Buffer.concat([...parts, this.#code.subarray(done, end)])
  }

  /** __wasm_init_memory: the constants at their place, and what is local to a thread, first of all, where there is room for it. */
  #filling(): Uint8Array {
    const { start, skipped } = this.layout
    const threadLocal = [...this.#plusBase, Opcode.LOCAL_TEE]
    const body = replaceOnce(
      Buffer.from(this.#body('__wasm_init_memory')),
      [Opcode.I32_CONST, ...signed(start), ...this.#fill(1)],
      [Opcode.I32_CONST, ...signed(CONSTANTS_AT), ...this.#fill(1).subarray(this.#plusBase.length)],
    )
    return replaceOnce(
      body,
      [Opcode.I32_CONST, ...signed(0), ...threadLocal],
      [Opcode.I32_CONST, ...signed(skipped), ...threadLocal],
    )
  }

  /** __wasm_apply_global_relocs: `global = base + distance` for each variable or constant that is addressed by a global. */
  #globals(): Uint8Array {
    const body = new Reader(this.#body('__wasm_apply_global_relocs'))
    const parts: number[][] = [[body.byte()]]
    while (body.bytes[body.at] !== Opcode.END) {
      const start = body.at
      const [get, base, constant, distance, add, set, global] = [
        ...[
          body.byte(),
          body.unsigned(),
          body.byte(),
          body.signed(),
          body.byte(),
          body.byte(),
          body.unsigned(),
        ],
      ] as const
      if (
        get !== Opcode.GLOBAL_GET ||
        constant !== Opcode.I32_CONST ||
        add !== Opcode.I32_ADD ||
        set !== GLOBAL_SET
      )
        throw new BuildFailure('__wasm_apply_global_relocs is not what wasm-ld writes')
      const shared =
        base === this.#memoryBase && distance! >= this.layout.start && distance! < this.layout.end
      parts.push(
        shared
          ? [Opcode.I32_CONST, ...signed(this.#address(distance!)), GLOBAL_SET, ...unsigned(global!)]
          : [...body.bytes.subarray(start, body.at)],
      )
    }
    return Uint8Array.from([...parts.flat(), Opcode.END])
  }

  /** __wasm_apply_data_relocs without pointers to constants, which are in the data as they are. */
  #relocating(pointers: ReadonlyMap<number, number>): Uint8Array {
    const body = new Reader(this.#body(RELOCATE))
    body.vector(() => body.take(2)) // local variables
    const parts = [body.bytes.subarray(0, body.at)]
    let left = pointers.size
    for (const { address, code } of relocationsIn(body, this.#imports.globals))
      if (pointers.has(address)) left--
      else parts.push(code)
    if (left !== 0) throw new BuildFailure('a pointer to a constant is not among those that are relocated')
    return Buffer.concat([...parts, Buffer.from([Opcode.END])])
  }
}

function replaceOnce(bytes: Buffer, from: readonly number[], to: readonly number[]): Buffer {
  const at = bytes.indexOf(Buffer.from(from))
  if (at < 0 || bytes.indexOf(Buffer.from(from), at + 1) >= 0)
    throw new BuildFailure('__wasm_init_memory is not what wasm-ld writes')
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(to), bytes.subarray(at + from.length)])
}
