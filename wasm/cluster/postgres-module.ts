/**
 * One backend in this thread, without a server and other processes: for hosts that cannot suspend WebAssembly, and for tests.
 * The caller gives input to an import handler and calls `_interactive_one`, which returns when the backend has answered all of it.
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
import { CALLER_STACK } from '../machine/stack.js'
import { exitCode } from '../machine/wait-status.js'
import type { Programs } from './programs.js'

/** One backend without a server. */
export interface PostgresModule {
  /** The backend's memory. */
  readonly memory: WebAssembly.Memory
  /**
   * Serves the input that the import handler has.
   *
   * @param length bytes of input that were added; with 0, only due signals and timeouts are handled
   * @param firstByte the first of them: 0 for a startup packet, which begins the session. If the first input is no startup
   *   packet, the session is the superuser's in the database of that name
   * @throws PostgresExit when the session has ended: by Terminate, the end of input, or a fatal error; and on every later call
   */
  _interactive_one(length: number, firstByte?: number): void
}

/** The backend has ended, and the module cannot be used any more. After a crash, `cause` is the error that it has thrown. */
export class PostgresExit extends Error {
  /** @param exitCode as a shell shows it: 128 + n after an end by signal n */
  constructor(
    /** As a shell shows it: 128 + n after an end by signal n. */
    readonly exitCode: number,
    options?: { cause: unknown },
  ) {
    super(`the backend has ended (exit code ${exitCode})`, options)
  }
}

/** Imports of a WebAssembly module, by module and name. */
export type ModuleImports = Record<string, Record<string, WebAssembly.ImportValue>>

/** How the module is instantiated. */
export interface InstantiateOptions {
  /**
   * Instantiates postgres.wasm and passes the instance to `callback`. It must add the import handler's imports to
   * `imports.env`, which has all others. Its result is ignored. Default: the module is instantiated with `client`.
   */
  instantiateWasm?: (
    imports: ModuleImports,
    callback: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
  ) => unknown
  /** An import handler's imports, if `instantiateWasm` is not given. */
  client?: PGliteImports
}

/** What a backend runs on. */
export interface ModuleHost {
  readonly programs: Programs
  readonly system: System
  readonly files: FileLayer
  /** The path of the backend's executable, as it sees it: it finds share/ and lib/ from it. */
  readonly postgresPath: string
  readonly environment: Readonly<Record<string, string>>
  /** The data directory's path in `files`. */
  readonly dataDir: string
  readonly settings: Readonly<Record<string, string>>
  readonly pid: number
  /** How large the memory may become, in pages of 64 KiB; by default as large as 32 bits can address. */
  readonly maximumPages?: number
  /** PostgreSQL's log, one or more complete lines at a time. */
  onLog(text: string): void
}

/** Slots in the process table: the host and the backend. */
const PROCESSES = 2

export async function instantiatePostgres(
  host: ModuleHost,
  { instantiateWasm, client }: InstantiateOptions,
): Promise<PostgresModule> {
  if (instantiateWasm === undefined) return startPostgres(host, client)
  const { process, start } = prepare(host, undefined)
  return start(await new Promise(resolve => instantiateWasm(process.imports, resolve)))
}

/** The same without a promise, in hosts that allow to instantiate a large module synchronously. */
export function startPostgres(host: ModuleHost, client: PGliteImports | undefined): PostgresModule {
  return prepare(host, client).start()
}

function prepare(host: ModuleHost, client: PGliteImports | undefined) {
  const { programs, system, postgresPath, dataDir, environment, files } = host
  const sharedMemory = newMemory(PROCESSES, host.maximumPages, programs.shared)
  const memory = new LinearMemory(sharedMemory)
  const { data } = imageSize(programs.postgres)
  const size = { processes: PROCESSES, data, stack: CALLER_STACK }
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

/** How the one process waits. No other thread could wake this one, so it only sleeps until a timeout. */
function kernelHost(memory: WebAssembly.Memory, system: System): KernelHost {
  const thread = threadHost(memory, system.monotonic)
  const sleeps = canSleep(memory)
  return {
    ...thread,
    wait: (word, expected, ms) => (ms < 0 || !sleeps ? WAIT_IMPOSSIBLE : thread.wait(word, expected, ms)),
  }
}

/** Whether this thread may block: not in a Cloudflare Worker, nor on the main thread of a browser. */
function canSleep(memory: WebAssembly.Memory): boolean {
  try {
    Atomics.wait(new Int32Array(memory.buffer), 0, 0, 0)
    return true
  } catch {
    return false
  }
}
