/**
 * The part of WebAssembly's JavaScript interface (webassembly.github.io/spec/js-api) that is used here, with threads and
 * JSPI (github.com/WebAssembly/js-promise-integration). TypeScript has it only in a browser's types, and without JSPI.
 */
declare namespace WebAssembly {
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc'
  interface ValueTypeMap {
    i32: number
    i64: bigint
    f32: number
    f64: number
    v128: never
    externref: unknown
    // biome-ignore lint/complexity/noBannedTypes: any function of an instance
    anyfunc: Function | null
  }
  // biome-ignore lint/complexity/noBannedTypes: any function of an instance
  type ExportValue = Function | Global | Memory | Table
  type ImportValue = ExportValue | number
  type Exports = Record<string, ExportValue>
  type ModuleImports = Record<string, ImportValue>
  type Imports = Record<string, ModuleImports>

  interface ModuleExportDescriptor {
    kind: string
    name: string
  }
  interface ModuleImportDescriptor {
    kind: string
    module: string
    name: string
  }
  class Module {
    constructor(bytes: ArrayBufferView | ArrayBuffer)
    static customSections(module: Module, name: string): ArrayBuffer[]
    static exports(module: Module): ModuleExportDescriptor[]
    static imports(module: Module): ModuleImportDescriptor[]
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc' | 'externref'; initial: number; maximum?: number })
    readonly length: number
    get(index: number): ExportValue | undefined
    set(index: number, value?: unknown): void
    grow(by: number, value?: unknown): number
  }
  class Global<T extends ValueType = ValueType> {
    constructor(descriptor: { value: T; mutable?: boolean }, value?: ValueTypeMap[T])
    value: ValueTypeMap[T]
  }
  class RuntimeError extends Error {}
  function instantiate(module: Module, imports?: Imports): Promise<Instance>
  function compile(bytes: ArrayBufferView | ArrayBuffer): Promise<Module>
}
