/**
 * Loadable modules of PostgreSQL, such as plpgsql: WebAssembly modules beside postgres.wasm. A process instantiates one when
 * it first needs it, and only then has the module's data in its memory. The instance shares memory, stack and function table with
 * the process' instance of postgres.wasm, and the two call each other directly. The scheme is that of tool-conventions'
 * DynamicLinking.md; the C side is `c/posix/dlopen.c`.
 */
import { errno, type HostImports } from './abi.js'
import type { LinearMemory } from './memory.js'
import { addressOf, imageSize, type ProgramEnvironment, symbol, TABLE_BASE } from './program.js'

/** The compiled modules. */
export interface LoadableModules {
  /** @param name of the file, without ".so" */
  get(name: string): WebAssembly.Module | undefined
}

type Exports = Readonly<Record<string, WebAssembly.ExportValue>>

interface LoadedModule {
  readonly exports: Exports
  /** Address of its data. */
  readonly memory: number
}

/** The program that modules are linked with: an instance, its `env` imports, and its module. */
interface Program {
  readonly env: ProgramEnvironment
  readonly exports: Exports
  readonly module: WebAssembly.Module
}

/** Links modules with one process: the functions module_* of `c/host-imports.h`. */
export class ModuleLoader {
  #program: Program | undefined
  readonly #loaded = new Map<string, LoadedModule>()
  /** Slots of modules' functions in the function table, so that each function has one address only. */
  readonly #slots = new Map<WebAssembly.ExportValue, number>()
  /** Where the function table is free. It may have slots there already, from an earlier process. */
  #free = 0

  constructor(
    readonly memory: LinearMemory,
    readonly modules: LoadableModules,
  ) {}

  /** For the `host` imports of the process. */
  readonly imports = {
    module_size: name => {
      const module = this.modules.get(this.memory.string(name))
      return module === undefined ? -errno.ENOENT : imageSize(module).data
    },
    module_needed: (name, index, buffer, size) => {
      const module = this.modules.get(this.memory.string(name))
      const file = module === undefined ? undefined : imageSize(module).needed[index]
      if (file === undefined) return -errno.ENOENT
      const bytes = new TextEncoder().encode(`${file}\0`)
      if (bytes.length > size) return -errno.ENAMETOOLONG
      this.memory.reach((buffer >>> 0) + size).set(bytes, buffer >>> 0)
      return 0
    },
    module_load: (name, memory) => {
      const text = this.memory.string(name)
      this.#loaded.set(text, { exports: this.#link(text, memory), memory })
    },
    module_symbol: (name, symbol) => {
      const value = this.#loaded.get(this.memory.string(name))?.exports[this.memory.string(symbol)]
      return typeof value === 'function' && this.#program !== undefined
        ? this.#slot(this.#program.env, value)
        : 0
    },
  } satisfies Partial<HostImports>

  /** Says which program modules are linked with. */
  attach(env: ProgramEnvironment, { exports }: WebAssembly.Instance, module: WebAssembly.Module): void {
    this.#program = { env, exports, module }
    this.unload()
  }

  /** Forgets what was loaded, for another process in the same instance. */
  unload(): void {
    this.#loaded.clear()
    this.#slots.clear()
    this.#free = this.#program === undefined ? 0 : imageSize(this.#program.module).table + TABLE_BASE
  }

  /** Takes slots of the function table; returns the first. */
  #allocate(table: WebAssembly.Table, count: number): number {
    const first = this.#free
    this.#free += count
    if (table.length < this.#free) table.grow(this.#free - table.length)
    return first
  }

  #link(name: string, memory: number): Exports {
    const program = this.#program
    const module = this.modules.get(name)
    if (program === undefined || module === undefined) throw new Error(`there is no module "${name}"`)
    const table = this.#allocate(program.env.__indirect_function_table, imageSize(module).table)
    const { exports } = new WebAssembly.Instance(module, this.#imports(program, module, memory, table))
    const { __wasm_apply_data_relocs: relocate, __wasm_call_ctors: construct } = exports
    if (typeof relocate === 'function') relocate()
    if (typeof construct === 'function') construct()
    return exports
  }

  /** The libraries that a module is linked with. They have been loaded before. */
  #needed(module: WebAssembly.Module): LoadedModule[] {
    return imageSize(module).needed.map(file => {
      const library = this.#loaded.get(file.replace(/\.so$/, ''))
      if (library === undefined) throw new Error(`the library "${file}" is not loaded`)
      return library
    })
  }

  /** A module's imports: functions, and addresses of variables and functions, from its libraries or else from the program. */
  #imports(
    { env, exports, module: program }: Program,
    module: WebAssembly.Module,
    memory: number,
    table: number,
  ): WebAssembly.Imports {
    const needed = this.#needed(module)
    const functions: WebAssembly.ModuleImports = {}
    const addresses = {
      'GOT.mem': {} as WebAssembly.ModuleImports,
      'GOT.func': {} as WebAssembly.ModuleImports,
    }
    const address = (value: number) => new WebAssembly.Global({ value: 'i32', mutable: true }, value)
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      const library = needed.find(({ exports }) => name in exports)
      const exported = library?.exports[name] ?? exports[name]
      const place = library === undefined ? symbol(program, name) : undefined
      const used = place === undefined ? exported : env.__indirect_function_table.get(place)
      if (from === 'env' && used !== undefined) functions[name] = used
      // A variable is exported as its offset in the data of the exporting module.
      if (from === 'GOT.mem' && exported instanceof WebAssembly.Global)
        addresses[from][name] = address(
          library === undefined
            ? addressOf(program, env.__memory_base.value, Number(exported.value))
            : library.memory + Number(exported.value),
        )
      if (from === 'GOT.func') {
        const slot = place ?? (typeof exported === 'function' ? this.#slot(env, exported) : undefined)
        if (slot !== undefined) addresses[from][name] = address(slot)
      }
    }
    return {
      ...addresses,
      env: {
        ...functions,
        ...env,
        __memory_base: new WebAssembly.Global({ value: 'i32' }, memory),
        __table_base: new WebAssembly.Global({ value: 'i32' }, table),
      },
    }
  }

  /** The address of a function in C: its index in the function table. */
  #slot(env: ProgramEnvironment, value: WebAssembly.ExportValue): number {
    const known = this.#slots.get(value)
    if (known !== undefined) return known
    const slot = this.#allocate(env.__indirect_function_table, 1)
    env.__indirect_function_table.set(slot, value)
    this.#slots.set(value, slot)
    return slot
  }
}
