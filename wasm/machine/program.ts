/**
 * A program, such as postgres.wasm, and its instances. It is position independent: each instance, that is each
 * process, is at another place in the one memory, and has a function table of its own.
 */

/** How much room an instance needs. */
export interface ImageSize {
  /** Bytes of data, with those that are zero. */
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
  return { ...memory, needed }
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
