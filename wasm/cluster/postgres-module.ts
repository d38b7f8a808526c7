/**
 * One backend in this thread, with no server and no other processes: for hosts that cannot suspend WebAssembly, and for tests.
 * The host hands input to an import handler and calls `_interactive_one`, which returns when all of it has been answered.
 */

import { clockImports } from '../machine/host/clock.js'
import type { FileLayer } from '../machine/host/file-layer.js'
import { fileImports } from '../machine/host/files.js'
import { ProcessExit, processImports } from '../machine/host/process.js'
import { randomImports } from '../machine/host/random.js'
import type { System } from '../machine/host/system.js'
import type { PGliteImports } from '../machine/import-handler.js'
import { instantiateKernel, threadHost, Wait } from '../machine/kernel.js'
import { ModuleLoader } from '../machine/loadable-modules.js'
import { LogCollector } from '../machine/log-collector.js'
import { LinearMemory, MAXIMUM_PAGES } from '../machine/memory.js'
import { imageSize, type ProgramExports, programImports, startInstance } from '../machine/program.js'
import { CALLER_DEPTH } from '../machine/stack.js'
import type { Programs } from './programs.js'

export interface PostgresModule {
  readonly memory: WebAssembly.Memory
  /**
   * Serves what the import handler has been given.
   *
   * @param length bytes of input that were added; with 0, only signals and timeouts that are due are seen to
   * @param firstByte the first of them: 0 for a startup packet, which begins the session; without one the session is
   *   the superuser's in its own database
   * @throws PostgresExit when the session has ended: by Terminate, the end of input, or a fatal error
   */
  _interactive_one(length: number, firstByte?: number): void
}

/** The backend has ended; the module cannot be used any more. */
export class PostgresExit extends Error {
  constructor(readonly exitCode: number) {
    super(`the backend has ended (exit code ${exitCode})`)
  }
}

export type ModuleImports = Record<string, Record<string, WebAssembly.ImportValue>>

export interface InstantiateOptions {
  /**
   * Instantiates postgres.wasm. Gets all imports but the client's, which are the import handler's to add to `env`, and
   * hands the instance to the callback. What it returns is ignored. Without it the module is instantiated with
   * `client`.
   */
  instantiateWasm?: (
    imports: ModuleImports,
    callback: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
  ) => unknown
  /** An import handler's imports, where `instantiateWasm` is not given. */
  client?: PGliteImports
}

/** What a backend runs on. */
export interface ModuleHost {
  readonly programs: Programs
  readonly system: System
  readonly files: FileLayer
  /** The path that the backend takes for its own: it finds share/ and lib/ beside its folder. */
  readonly postgresPath: string
  readonly environment: Readonly<Record<string, string>>
  /** As the files have it. */
  readonly dataDir: string
  readonly settings: Readonly<Record<string, string>>
  readonly pid: number
  /** How large the memory may become, in pages of 64 KiB; by default as large as 32 bits can address. */
  readonly maximumPages?: number
  /** PostgreSQL's log, one or more complete lines at a time. */
  onLog(text: string): void
}

const INITIAL_PAGES = 256

export async function instantiatePostgres(
  host: ModuleHost,
  { instantiateWasm, client }: InstantiateOptions,
): Promise<PostgresModule> {
  if (instantiateWasm === undefined) return startPostgres(host, client)
  const prepared = prepare(host, undefined)
  return prepared.start(await new Promise(resolve => instantiateWasm(prepared.imports, resolve)))
}

/** The same at once, where the engine may instantiate a large module so. */
export function startPostgres(host: ModuleHost, client: PGliteImports | undefined): PostgresModule {
  const { imports, start } = prepare(host, client)
  return start(new WebAssembly.Instance(host.programs.postgres, imports))
}

function prepare(host: ModuleHost, client: PGliteImports | undefined) {
  const { programs, system, postgresPath, dataDir } = host
  const size = imageSize(programs.postgres)
  const sharedMemory = new WebAssembly.Memory({
    initial: INITIAL_PAGES,
    maximum: host.maximumPages ?? MAXIMUM_PAGES,
    shared: true,
  })
  const memory = new LinearMemory(sharedMemory)
  const threads = threadHost(sharedMemory, system.monotonic)
  const sleeps = canSleep(sharedMemory)
  const kernel = instantiateKernel(programs.kernel, sharedMemory, {
    ...threads,
    // Nobody else could wake this thread; at best it can sleep for a while.
    wait: (word, expected, ms) => (ms < 0 || !sleeps ? Wait.Impossible : threads.wait(word, expected, ms)),
  })
  if (kernel.boot(4, size.data, CALLER_DEPTH) < 0) throw new Error('out of memory')

  const settings = { ...host.settings, dynamic_shared_memory_type: 'sysv', shared_memory_type: 'sysv' }
  const args = [postgresPath, '--single', '-D', dataDir]
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
  const text = new TextEncoder().encode([...args, 'postgres'].map(arg => `${arg}\0`).join(''))
  const scratch = kernel.scratch() >>> 0
  memory.reach(scratch + text.length).set(text, scratch)
  kernel.spawn(args.length + 1, host.pid)
  const slot = kernel.next_embryo()

  const log = new LogCollector(host.onLog)
  const loader = new ModuleLoader(memory, programs.modules)
  const imports = programImports(sharedMemory, kernel, slot, size, client, {
    ...fileImports(memory, host.files, { write: (_stream, bytes) => log.add(slot, bytes) }),
    ...clockImports(system),
    ...randomImports(memory),
    ...processImports(memory, {
      environment: host.environment,
      find: system.find,
      group: system.group,
      notifyState: () => {},
    }),
    ...loader.imports,
  })

  function start(instance: WebAssembly.Instance): PostgresModule {
    loader.attach(imports.env, instance, programs.postgres)
    const program: ProgramExports = startInstance(instance, kernel, slot)
    program.interactive_arguments?.(kernel.argc(slot), kernel.argv(slot))
    let exit: PostgresExit | undefined
    return {
      memory: sharedMemory,
      _interactive_one(length, firstByte = 0) {
        if (exit !== undefined) throw exit
        try {
          program._interactive_one?.(length, firstByte)
        } catch (error) {
          if (!(error instanceof ProcessExit)) throw error
          exit = new PostgresExit(error.status >> 8)
          throw exit
        }
      },
    }
  }
  return { imports, start }
}

/** Not in a Worker of Cloudflare's, nor on the main thread of a browser. */
function canSleep(memory: WebAssembly.Memory): boolean {
  try {
    Atomics.wait(new Int32Array(memory.buffer), 0, 0, 0)
    return true
  } catch {
    return false
  }
}
