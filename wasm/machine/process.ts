/**
 * A process as its host runs it: an instance of a program at its place in the memory, from its imports to its wait
 * status. It does not know what runs it, a thread of its own or one that it shares; hosts differ in how a process waits,
 * in what becomes of its client's bytes, and in how they end it, and all that comes in by ProcessHost.
 */
import { type ClientImports, type HostImports, SIGSEGV, STDERR_FILENO } from './abi.js'
import { clockImports } from './host/clock.js'
import type { FileLayer } from './host/file-layer.js'
import { fileImports, type StandardStreams } from './host/files.js'
import { type ProcessContext, ProcessExit, processImports } from './host/process.js'
import { randomImports } from './host/random.js'
import { promiseIntegration } from './jspi.js'
import type { KernelExports } from './kernel.js'
import { type LoadableModules, ModuleLoader } from './loadable-modules.js'
import type { LinearMemory } from './memory.js'
import { imageSize, type ProgramEnvironment, type ProgramExports, TABLE_BASE } from './program.js'

/** What all processes of a machine have in common. */
export interface ProcessSetup {
  readonly memory: WebAssembly.Memory
  readonly kernel: WebAssembly.Module
  readonly modules: LoadableModules
  readonly environment: Readonly<Record<string, string>>
  /** Whether standard streams are those of this Node process; otherwise nothing is read, and what is written is told. */
  readonly ownStreams?: boolean
}

/** What a machine hears of its processes; the last of each is its exit. */
export type ProcessMessage =
  | { readonly type: 'exit'; readonly slot: number; readonly status: number }
  | { readonly type: 'log'; readonly slot: number; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly type: 'state'; readonly slot: number; readonly state: string }

/** What one process has from its host. */
export interface ProcessHost extends ProcessContext {
  readonly memory: LinearMemory
  /** By which it waits: an instance that no other process uses meanwhile. */
  readonly kernel: KernelExports
  readonly modules: LoadableModules
  /** As this process sees them: its own handles, which are closed when it has ended. */
  readonly files: FileLayer
  readonly streams: StandardStreams
  /** Its client's bytes; undefined where whoever instantiates the program adds them to its imports. */
  readonly client: Importable<ClientImports> | undefined
  /** Lets others of its thread run, see c/host-imports.h; undefined where there are none. */
  readonly yield?: WebAssembly.ImportValue
}

/** Functions as a module imports them; a host that suspends the caller has some that are made for that. */
export type Importable<Functions> = { readonly [name in keyof Functions]: WebAssembly.ImportValue }

/** All that a program imports. */
interface ProgramImports extends Record<string, WebAssembly.ModuleImports> {
  readonly env: ProgramEnvironment
  readonly kernel: WebAssembly.ModuleImports
  readonly host: Importable<HostImports>
}

export class Process {
  readonly #loader: ModuleLoader
  #imports: ProgramImports | undefined

  constructor(
    readonly slot: number,
    readonly program: WebAssembly.Module,
    readonly host: ProcessHost,
  ) {
    this.#loader = new ModuleLoader(host.memory, host.modules)
  }

  /** For the program to be instantiated with, at its place in the memory, which is made ready for it. */
  get imports(): ProgramImports {
    this.#imports ??= {
      env: { ...environmentOf(this), ...this.host.client },
      kernel: { ...this.host.kernel },
      host: this.#hostImports(),
    }
    return this.#imports
  }

  #hostImports(): ProgramImports['host'] {
    const { memory, files, streams, system } = this.host
    return {
      ...fileImports(memory, files, streams),
      ...clockImports(system),
      ...randomImports(memory),
      ...processImports(memory, this.host),
      yield: this.host.yield ?? (() => 0),
      ...this.#loader.imports,
    }
  }

  /** Makes it ready to run: its data in place, its pointers relocated, its constructors run. */
  start(instance = new WebAssembly.Instance(this.program, this.imports)): ProgramExports {
    const exports = instance.exports as unknown as ProgramExports
    this.#loader.attach(this.imports.env, instance, this.program)
    exports.__wasm_apply_data_relocs?.()
    exports.__wasm_init_tls(this.host.kernel.image(this.slot))
    exports.process_start(this.slot)
    exports.__wasm_call_ctors()
    return exports
  }

  /** Runs it to its end on this thread, which blocks where the process waits. Returns its wait status. */
  run(): number {
    try {
      return this.start().process_main(...this.arguments)
    } catch (error) {
      return this.end(error)
    }
  }

  /** The same where the process is suspended while it waits, and others run. */
  async runSuspended(): Promise<number> {
    try {
      return await promiseIntegration().promising(this.start().process_main)(...this.arguments)
    } catch (error) {
      return this.end(error)
    }
  }

  /** Its command line, as main() takes it. */
  get arguments(): [argc: number, argv: number] {
    const { kernel } = this.host
    return [kernel.argc(this.slot), kernel.argv(this.slot)]
  }

  /** The process has thrown this, which ends it; what is no exit of its own is a crash, and is told. Returns its wait status. */
  end(thrown: unknown): number {
    const { files, streams, kernel } = this.host
    try {
      if (thrown instanceof ProcessExit) return thrown.status
      const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
      const text = `process ${kernel.pid(this.slot)} crashed: ${what}\n`
      streams.write(STDERR_FILENO, new TextEncoder().encode(text))
      return SIGSEGV
    } finally {
      streams.end?.()
      files.closeAll()
    }
  }
}

/** What an instance gets to be at its place of the memory, which is made ready for its data: all zero. */
function environmentOf({ slot, program, host: { kernel, memory } }: Process): ProgramEnvironment {
  kernel.__stack_pointer.value = kernel.stack(slot)
  kernel.clear_image(slot)
  return {
    memory: memory.memory,
    __memory_base: new WebAssembly.Global({ value: 'i32' }, kernel.image(slot)),
    __table_base: new WebAssembly.Global({ value: 'i32' }, TABLE_BASE),
    __indirect_function_table: new WebAssembly.Table({
      initial: imageSize(program).table + TABLE_BASE,
      element: 'anyfunc',
    }),
    __stack_pointer: kernel.__stack_pointer,
  }
}
