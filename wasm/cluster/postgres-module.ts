/**
 * One backend in this thread, with no server and no other processes: for hosts that cannot suspend WebAssembly, and for tests.
 * The host hands input to an import handler and calls `_interactive_one`, which returns when all of it has been answered.
 */
import { WAIT_IMPOSSIBLE } from '../machine/abi.js'
import { boot, spawn } from '../machine/boot.js'
import type { FileLayer } from '../machine/host/file-layer.js'
import { ProcessExit } from '../machine/host/process.js'
import type { System } from '../machine/host/system.js'
import type { PGliteImports } from '../machine/import-handler.js'
import { type KernelHost, threadHost } from '../machine/kernel.js'
import { LogCollector } from '../machine/log-collector.js'
import { LinearMemory, newMemory } from '../machine/memory.js'
import { Process } from '../machine/process.js'
import { imageSize } from '../machine/program.js'
import { CALLER_DEPTH } from '../machine/stack.js'
import { exitCode } from '../machine/wait-status.js'
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

/** The backend has ended; the module cannot be used any more. Where it has crashed, `cause` is what it has crashed by. */
export class PostgresExit extends Error {
  /** @param exitCode as a shell shows it: 128 + n for a process that was ended by signal n */
  constructor(
    readonly exitCode: number,
    options?: { cause: unknown },
  ) {
    super(`the backend has ended (exit code ${exitCode})`, options)
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

/** One, and the host; no others come. */
const PROCESSES = 2

export async function instantiatePostgres(
  host: ModuleHost,
  { instantiateWasm, client }: InstantiateOptions,
): Promise<PostgresModule> {
  if (instantiateWasm === undefined) return startPostgres(host, client)
  const { process, start } = prepare(host, undefined)
  return start(await new Promise(resolve => instantiateWasm(process.imports, resolve)))
}

/** The same at once, where the engine may instantiate a large module so. */
export function startPostgres(host: ModuleHost, client: PGliteImports | undefined): PostgresModule {
  return prepare(host, client).start()
}

function prepare(host: ModuleHost, client: PGliteImports | undefined) {
  const { programs, system, postgresPath, dataDir, environment, files } = host
  const sharedMemory = newMemory(host.maximumPages)
  const memory = new LinearMemory(sharedMemory)
  const { data } = imageSize(programs.postgres)
  const size = { processes: PROCESSES, data, depth: CALLER_DEPTH }
  const kernel = boot(programs.kernel, sharedMemory, kernelHost(sharedMemory, system), size)

  const settings = { ...host.settings, dynamic_shared_memory_type: 'sysv', shared_memory_type: 'sysv' }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const args = [postgresPath, '--single', '-D', dataDir, ...options, 'postgres']
  const slot = spawn(kernel, memory, { args, pid: host.pid })
  kernel.next_embryo()

  const log = new LogCollector(host.onLog)
  const process = new Process(slot, programs.postgres, {
    memory,
    kernel,
    modules: programs.modules,
    environment,
    system,
    files,
    streams: { write: (_stream, bytes) => log.add(slot, bytes), end: () => log.end(slot) },
    client,
    notifyState: () => {},
  })

  function start(instance?: WebAssembly.Instance): PostgresModule {
    const program = process.start(instance)
    program.interactive_arguments?.(...process.arguments)
    let exit: PostgresExit | undefined
    return {
      memory: sharedMemory,
      _interactive_one(length, firstByte = 0) {
        if (exit !== undefined) throw exit
        try {
          program._interactive_one?.(length, firstByte)
        } catch (thrown) {
          const crash = thrown instanceof ProcessExit ? undefined : { cause: thrown }
          exit = new PostgresExit(exitCode(process.end(thrown)), crash)
          throw exit
        }
      },
    }
  }
  return { process, start }
}

/** How the one process waits: nobody else could wake this thread; at best it can sleep for a while. */
function kernelHost(memory: WebAssembly.Memory, system: System): KernelHost {
  const thread = threadHost(memory, system.monotonic)
  const sleeps = canSleep(memory)
  return {
    ...thread,
    wait: (word, expected, ms) => (ms < 0 || !sleeps ? WAIT_IMPOSSIBLE : thread.wait(word, expected, ms)),
  }
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
