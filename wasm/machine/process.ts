/**
 * A process as its host runs it: an instance of a program at its place in the memory, and what its end says. How it
 * waits, and on which thread it runs, is up to the scheduler.
 */
import { ProcessExit } from './host/process.js'
import type { KernelExports } from './kernel.js'
import { type LoadableModules, ModuleLoader } from './loadable-modules.js'
import type { LinearMemory } from './memory.js'
import {
  type ClientImports,
  imageSize,
  type ProgramExports,
  programImports,
  startInstance,
} from './program.js'

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

export const SIGKILL = 9
export const SIGSEGV = 11

/** Puts the process of this slot in its place, ready for `process_main`. */
export function instantiateProcess(
  memory: LinearMemory,
  kernel: KernelExports,
  modules: LoadableModules,
  slot: number,
  module: WebAssembly.Module,
  client: ClientImports,
  host: WebAssembly.ModuleImports,
): ProgramExports {
  const size = imageSize(module)
  kernel.clear_image(slot)
  const loader = new ModuleLoader(memory, modules)
  const imports = programImports(memory.memory, kernel, slot, size, client, { ...host, ...loader.imports })
  const instance = new WebAssembly.Instance(module, imports)
  loader.attach(imports.env, instance, module)
  return startInstance(instance, kernel, slot)
}

/** The wait status of a process that has ended by throwing this; what is no exit of its own is a crash, and is told. */
export function waitStatus(error: unknown, pid: number, tell: (bytes: Uint8Array) => void): number {
  if (error instanceof ProcessExit) return error.status
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  tell(new TextEncoder().encode(`process ${pid} crashed: ${text}\n`))
  return SIGSEGV
}
