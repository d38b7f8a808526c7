/**
 * One backend in this thread, with no server and no other threads: for hosts that have none, and for tests. The host
 * hands input to an import handler and calls `_interactive_one`, which returns when all of it has been answered.
 */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { artefactsDir, environment, loadPrograms, postgresPath } from './artefacts.js'
import { clockImports } from './host/clock.js'
import { confinedFiles } from './host/confined-files.js'
import type { FileLayer } from './host/file-layer.js'
import { fileImports } from './host/files.js'
import { memoryVolume } from './host/memory-files.js'
import { mountedFiles } from './host/mounted-files.js'
import { nodeSystem } from './host/node-system.js'
import { ProcessExit, processImports } from './host/process.js'
import { randomImports } from './host/random.js'
import type { PGliteImports } from './imports.js'
import { instantiateKernel, threadHost, Wait } from './kernel.js'
import { ModuleLoader } from './loadable-modules.js'
import { LogCollector } from './log-collector.js'
import { LinearMemory } from './memory.js'
import { imageSize, type ProgramExports, programImports, startInstance } from './program.js'
import { CALLER_DEPTH } from './stack.js'
import { readTemplate } from './template.js'

export interface PostgresModuleOptions {
  /**
   * Instantiates postgres.wasm. Gets all imports but the client's, which are the import handler's to add to `env`, and
   * hands the instance to the callback. What it returns is ignored. Without it the module is instantiated with
   * `client`.
   */
  instantiateWasm?: (
    imports: Record<string, Record<string, WebAssembly.ImportValue>>,
    callback: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
  ) => unknown
  /** An import handler's imports, where `instantiateWasm` is not given. */
  client?: PGliteImports
  /** A directory that holds a cluster. Without it, a new one in memory, which is gone with the module. */
  dataDir?: string
  /** PostgreSQL's settings. */
  settings?: Readonly<Record<string, string>>
  /** PostgreSQL's log, one or more complete lines at a time; nowhere by default. */
  onLog?: (text: string) => void
}

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

const MEMORY_DATA_DIR = '/data'
/** Where the server's own files appear beside files in memory. */
const INSTALLED_AT = '/pgsql'
const INITIAL_PAGES = 256
const MAXIMUM_PAGES = 65536

const installation = {
  path: artefactsDir.replace(/\/$/, ''),
  real: realpathSync(artefactsDir),
  writable: false,
}

/** The machine's files, as far as the module needs them: its own and, if there is one, the cluster's directory. */
function ownFiles(dataDir?: string): FileLayer {
  const cluster =
    dataDir === undefined ? [] : [{ path: dataDir, real: realpathSync(dataDir), writable: true }]
  return confinedFiles({ folders: [...cluster, installation], files: [] })
}

async function newCluster(): Promise<FileLayer> {
  const volume = memoryVolume()
  const files = volume.files()
  files.mkdir('/tmp', 0o777)
  files.mkdir(MEMORY_DATA_DIR, 0o700)
  for await (const { name, content } of readTemplate()) {
    const path = `${MEMORY_DATA_DIR}/${name}`
    if (content === undefined) files.mkdir(path, 0o700)
    else volume.put(path, content, 0o600)
  }
  files.mkdir(INSTALLED_AT, 0o755)
  return mountedFiles(files, [{ at: INSTALLED_AT, layer: ownFiles(), root: installation.path }])
}

export async function createPostgresModule(options: PostgresModuleOptions = {}): Promise<PostgresModule> {
  const programs = loadPrograms()
  const size = imageSize(programs.postgres)
  const sharedMemory = new WebAssembly.Memory({
    initial: INITIAL_PAGES,
    maximum: MAXIMUM_PAGES,
    shared: true,
  })
  const memory = new LinearMemory(sharedMemory)
  const threads = threadHost(sharedMemory, nodeSystem.monotonic)
  const kernel = instantiateKernel(programs.kernel, sharedMemory, {
    ...threads,
    // Nobody else could wake this thread; it can only sleep for a while.
    wait: (word, expected, ms) => (ms < 0 ? Wait.Impossible : threads.wait(word, expected, ms)),
  })
  if (kernel.host_boot(4, size.data, CALLER_DEPTH) < 0) throw new Error('out of memory')

  const settings = { dynamic_shared_memory_type: 'sysv', shared_memory_type: 'sysv', ...options.settings }
  const inMemory = options.dataDir === undefined
  const postgres = inMemory ? `${INSTALLED_AT}/bin/postgres` : postgresPath
  const args = [postgres, '--single', '-D', options.dataDir ?? MEMORY_DATA_DIR]
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
  const text = Buffer.from([...args, 'postgres'].map(arg => `${arg}\0`).join(''))
  const scratch = kernel.host_scratch() >>> 0
  memory.reach(scratch + text.length).set(text, scratch)
  kernel.host_spawn(args.length + 1, process.pid)
  const slot = kernel.host_next_embryo()

  const log = new LogCollector(options.onLog ?? (() => {}))
  const loader = new ModuleLoader(memory, programs.modules)
  const host = {
    ...fileImports(
      memory,
      options.dataDir === undefined ? await newCluster() : ownFiles(resolve(options.dataDir)),
      {
        write: (_stream, bytes) => log.add(slot, bytes),
      },
    ),
    ...clockImports(nodeSystem),
    ...randomImports(memory),
    ...processImports(memory, {
      environment,
      find: nodeSystem.find,
      group: nodeSystem.group,
      notifyState: () => {},
    }),
    ...loader.imports,
  }
  const imports = programImports(sharedMemory, kernel, slot, size, options.client, host)
  const instance =
    options.instantiateWasm === undefined
      ? new WebAssembly.Instance(programs.postgres, imports as WebAssembly.Imports)
      : await new Promise<WebAssembly.Instance>(resolve => options.instantiateWasm?.(imports, resolve))
  loader.attach(imports.env, instance)
  const program: ProgramExports = startInstance(instance, kernel, slot)
  program.interactive_arguments?.(kernel.host_argc(slot), kernel.host_argv(slot))

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
