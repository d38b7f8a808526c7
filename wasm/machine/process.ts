/**
 * Runs a process: an instance of a program at its place in the memory, from its imports to its wait status. It works on a thread of
 * its own or on a shared one. Hosts differ in how a process waits, in where its client's bytes go, and in how they end it; ProcessHost
 * has these differences.
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
import { imageSize, memoryBase, type ProgramEnvironment, type ProgramExports, TABLE_BASE } from './program.js'

/** What all processes of a machine share. */
export interface ProcessSetup {
  readonly memory: WebAssembly.Memory
  readonly kernel: WebAssembly.Module
  readonly modules: LoadableModules
  readonly environment: Readonly<Record<string, string>>
  /** Whether standard streams are those of this Node process. Otherwise there is no input, and output comes as messages. */
  readonly ownStreams?: boolean
}

/** Messages of processes to their machine. The first message of each process says that it runs, the last that it has exited. */
export type ProcessMessage =
  | { readonly type: 'exit'; readonly slot: number; readonly status: number }
  | { readonly type: 'log'; readonly slot: number; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly type: 'state'; readonly slot: number; readonly state: string }
  | { readonly type: 'running'; readonly slot: number }

/** What the host provides to one process. */
export interface ProcessHost extends ProcessContext {
  readonly memory: LinearMemory
  /** An instance of the kernel that no other process uses meanwhile: the process waits in it. */
  readonly kernel: KernelExports
  readonly modules: LoadableModules
  /** Files, with handles of this process' own, which are closed when it has ended. */
  readonly files: FileLayer
  readonly streams: StandardStreams
  /** The imports for its client's bytes; undefined if the caller that instantiates the program adds them. */
  readonly client: Importable<ClientImports> | undefined
  /** The import `sync`, if the process is suspended meanwhile; undefined: `files` does it. */
  readonly sync?: WebAssembly.ImportValue | undefined
  /** Lets other processes on its thread run, see c/host-imports.h; undefined if there are none. */
  readonly yield?: WebAssembly.ImportValue
  /** Whether other processes use the instance later: see become(). */
  readonly reuses?: boolean
}

/** Functions as a module imports them: JavaScript functions, or suspending imports. */
export type Importable<Functions> = { readonly [name in keyof Functions]: WebAssembly.ImportValue }

/** All imports of a program. */
interface ProgramImports extends Record<string, WebAssembly.ModuleImports> {
  readonly env: ProgramEnvironment
  readonly kernel: WebAssembly.ModuleImports
  readonly host: Importable<HostImports>
}

/** What an instance is that has not run yet. */
interface Image {
  readonly exports: ProgramExports
  /** Where its data are. */
  readonly address: number
  /** Its data, without zeros at the end; undefined if only one process uses the instance. */
  readonly data: Uint8Array | undefined
}

export class Process {
  readonly #loader: ModuleLoader
  #slot: number
  #imports: ProgramImports | undefined
  #image: Image | undefined

  constructor(
    slot: number,
    readonly program: WebAssembly.Module,
    readonly host: ProcessHost,
  ) {
    this.#slot = slot
    this.#loader = new ModuleLoader(host.memory, host.modules)
  }

  get slot(): number {
    return this.#slot
  }

  /** The imports to instantiate the program with. The first use clears the process' data in the memory. */
  get imports(): ProgramImports {
    this.#imports ??= {
      env: { ...environmentOf(this), ...this.host.client },
      kernel: { ...this.host.kernel },
      host: this.#hostImports(),
    }
    return this.#imports
  }

  /**
   * Makes this another process, when it has ended: the instance gets its first data back. That is far less work than to make an instance, and
   * to collect one. Returns false if it cannot: the other process' data have another place in the memory, or this one has crashed.
   */
  become(slot: number): boolean {
    const { memory, kernel } = this.host
    const image = this.#image
    if (image?.data === undefined || kernel.image(slot) >>> 0 !== image.address) return false
    this.#slot = slot
    this.#loader.unload()
    prepare(kernel, slot)
    memory.reach(image.address + image.data.length).set(image.data, image.address)
    return true
  }

  #hostImports(): ProgramImports['host'] {
    const { memory, files, streams, system, sync } = this.host
    return {
      ...fileImports(memory, files, streams),
      ...(sync !== undefined && { sync }),
      ...clockImports(system),
      ...randomImports(memory, system),
      ...processImports(memory, this.host),
      yield: this.host.yield ?? (() => 0),
      ...this.#loader.imports,
    }
  }

  /** Makes the instance ready to run: puts its data in place, relocates its pointers, runs its constructors. */
  start(instance?: WebAssembly.Instance): ProgramExports {
    this.#image ??= this.#load(instance ?? new WebAssembly.Instance(this.program, this.imports))
    const { exports, address } = this.#image
    exports.__wasm_init_tls(address)
    exports.process_start(this.slot)
    exports.__wasm_call_ctors()
    return exports
  }

  #load(instance: WebAssembly.Instance): Image {
    const { memory, kernel } = this.host
    const exports = instance.exports as unknown as ProgramExports
    this.#loader.attach(this.imports.env, instance, this.program)
    exports.__wasm_apply_data_relocs?.()
    const address = kernel.image(this.slot) >>> 0
    const data = this.host.reuses ? memory.copy(address, imageSize(this.program).data) : undefined
    return { exports, address, data: data?.slice(0, data.findLastIndex(byte => byte !== 0) + 1) }
  }

  /** Runs the process to its end. The thread blocks where the process waits. Returns the wait status. */
  run(): number {
    try {
      return this.start().process_main(...this.arguments)
    } catch (error) {
      return this.end(error)
    }
  }

  /** The same, but the process is suspended while it waits, and others run. */
  async runSuspended(): Promise<number> {
    try {
      return await promiseIntegration().promising(this.start().process_main)(...this.arguments)
    } catch (error) {
      return this.end(error)
    }
  }

  /** The arguments of main(). */
  get arguments(): [argc: number, argv: number] {
    const { kernel } = this.host
    return [kernel.argc(this.slot), kernel.argv(this.slot)]
  }

  /** Ends the process after it has thrown. If that was no ProcessExit, it is a crash, which is logged. Returns the wait status. */
  end(thrown: unknown): number {
    const { files, streams, kernel } = this.host
    try {
      if (thrown instanceof ProcessExit) return thrown.status
      this.#image = undefined
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

/** Sets the place for a process' data to zero, and the stack pointer to its stack. */
function prepare(kernel: KernelExports, slot: number): void {
  kernel.__stack_pointer.value = kernel.sys_stack_base(slot)
  kernel.clear_image(slot)
}

/** The imports that put an instance at its place in the memory. */
function environmentOf({ slot, program, host: { kernel, memory } }: Process): ProgramEnvironment {
  prepare(kernel, slot)
  return {
    memory: memory.memory,
    __memory_base: new WebAssembly.Global({ value: 'i32' }, memoryBase(program, kernel.image(slot))),
    __table_base: new WebAssembly.Global({ value: 'i32' }, TABLE_BASE),
    __indirect_function_table: new WebAssembly.Table({
      initial: imageSize(program).table + TABLE_BASE,
      element: 'anyfunc',
    }),
    __stack_pointer: kernel.__stack_pointer,
  }
}
