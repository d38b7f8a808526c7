/**
 * A program, such as postgres.wasm, and its instances. It is position independent: each instance, that is each
 * process, is at another place in the one memory, and has a function table of its own.
 */

/** How much room an instance needs. */
export interface ImageSize {
  /** Bytes of data, with those that are zero, without constants that all instances share. */
  data: number
  /** Slots of the function table. */
  table: number
  /** File names of the modules that have to be loaded before it. */
  needed: readonly string[]
}

/** The functions that a program exports: the linker's, and those of c/posix and c/postgres. */
export interface ProgramExports {
  __wasm_call_ctors(): void
  __wasm_apply_data_relocs?(): void
  __wasm_init_tls(base: number): void
  process_start(slot: number): void
  /** Ends by throwing ProcessExit. */
  process_main(argc: number, argv: number): never
  interactive_arguments?(argc: number, argv: number): void
  _interactive_one?(length: number, firstByte: number): number
}

/** The `env` imports that put an instance at its place in the memory. */
export interface ProgramEnvironment extends WebAssembly.ModuleImports {
  readonly memory: WebAssembly.Memory
  readonly __memory_base: WebAssembly.Global<'i32'>
  readonly __table_base: WebAssembly.Global<'i32'>
  readonly __indirect_function_table: WebAssembly.Table
  readonly __stack_pointer: WebAssembly.Global
}

/** Subsections of `dylink.0`. */
export const MEMORY_INFO = 1
const NEEDED = 2

/** Slot 0 of the table stays empty, so that a null function pointer traps. */
export const TABLE_BASE = 1

const sizes = new WeakMap<WebAssembly.Module, ImageSize>()

export function imageSize(module: WebAssembly.Module): ImageSize {
  const size = sizes.get(module) ?? readImageSize(module)
  sizes.set(module, size)
  return size
}

/** The constants of a program that all instances share, as `wasm/build/shared-constants.ts` has laid them out. Bytes. */
interface Constants {
  /** Their address. */
  readonly at: number
  /** Where they would begin and end in each instance, from its __memory_base on. */
  readonly start: number
  readonly end: number
  /** How far each instance's __memory_base lies below the place of its data. */
  readonly skipped: number
}

const NO_CONSTANTS: Constants = { at: 0, start: 0, end: 0, skipped: 0 }

const constants = new WeakMap<WebAssembly.Module, Constants>()

function constantsOf(module: WebAssembly.Module): Constants {
  const known = constants.get(module)
  if (known !== undefined) return known
  const section = WebAssembly.Module.customSections(module, 'constants')[0]
  const read = section === undefined ? NO_CONSTANTS : JSON.parse(new TextDecoder().decode(section))
  constants.set(module, read)
  return read
}

/** The __memory_base of an instance whose data are at this address. */
export function memoryBase(module: WebAssembly.Module, image: number): number {
  return image - constantsOf(module).skipped
}

/** The address of what an instance exports as a distance from its __memory_base. */
export function addressOf(module: WebAssembly.Module, base: number, distance: number): number {
  const { at, start, end } = constantsOf(module)
  return distance >= start && distance < end ? at + distance - start : base + distance
}

/** Reads the module's `dylink.0` section (tool-conventions' DynamicLinking.md). */
function readImageSize(module: WebAssembly.Module): ImageSize {
  const section = WebAssembly.Module.customSections(module, 'dylink.0')[0]
  if (section === undefined) throw new Error('not a position independent WebAssembly module')
  const bytes = new Uint8Array(section)
  let at = 0
  const number = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }
  let memory: { data: number; table: number } | undefined
  let needed: string[] = []
  while (at < bytes.length) {
    const type = number()
    const end = number() + at
    if (type === MEMORY_INFO) {
      const data = number()
      number() // Alignment: every place of an instance is aligned enough.
      memory = { data, table: number() }
    }
    if (type === NEEDED)
      needed = Array.from({ length: number() }, () => {
        const length = number()
        at += length
        return new TextDecoder().decode(bytes.subarray(at - length, at))
      })
    at = end
  }
  if (memory === undefined) throw new Error('the module does not say how much memory it needs')
  return { table: memory.table, data: memory.data - constantsOf(module).skipped, needed }
}

/** Slots of a program's functions in each instance's function table, by name, without TABLE_BASE. */
type Symbols = Readonly<Record<string, number>>

const symbolsOf = new WeakMap<WebAssembly.Module, Symbols>()

/** The slot of a program's function in each instance's function table; undefined if loadable modules cannot use it. */
export function symbol(program: WebAssembly.Module, name: string): number | undefined {
  const symbols = symbolsOf.get(program) ?? readSymbols(program)
  symbolsOf.set(program, symbols)
  return Object.hasOwn(symbols, name) ? TABLE_BASE + symbols[name]! : undefined
}

/** Reads what `wasm/build/symbols.ts` wrote. */
function readSymbols(program: WebAssembly.Module): Symbols {
  const section = WebAssembly.Module.customSections(program, 'symbols')[0]
  return section === undefined ? {} : JSON.parse(new TextDecoder().decode(section))
}
