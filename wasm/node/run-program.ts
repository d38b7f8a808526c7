/**
 * Runs a program of the build, such as initdb or psql, on a machine of its own. Processes that initdb starts run postgres.wasm, and those of
 * a client program the client program.
 */
import { resolve } from 'node:path'
import { type ConnectingHost, Connections } from '../cluster/connections.js'
import { SIGINT } from '../machine/abi.js'
import type { LoadableModules } from '../machine/loadable-modules.js'
import { Machine } from '../machine/machine.js'
import { exitCode } from '../machine/wait-status.js'
import {
  artefactsFolder,
  clientModules,
  commonEnvironment,
  installedAt,
  loadKernel,
  loadProgram,
  loadPrograms,
} from './artefacts.js'
import { posixPath } from './paths.js'
import { ThreadPool } from './thread-pool.js'
import { Threads } from './threads.js'

export interface ProgramOptions {
  /** Environment variables beside those of all programs. */
  environment?: Readonly<Record<string, string>>
  /** Called with what the program and its children write. Default: they use the streams and the terminal of this process. */
  onWrite?: (text: string) => void
  /** Connects to servers. Default: the program cannot connect. */
  connections?: ConnectingHost
  /** The modules that the program loads, if the processes that it starts run the program itself. */
  modules?: LoadableModules
}

/**
 * @param file the program, a WebAssembly module linked as postgres.wasm is
 * @param args its command line, with its own name first
 * @returns its exit code
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { environment: own = {}, onWrite, connections: outside = noConnections, modules: itsOwn }: ProgramOptions,
): Promise<number> {
  const first = loadProgram(file)
  const { kernel, postgres, modules } =
    itsOwn === undefined ? loadPrograms() : { kernel: loadKernel(), postgres: first, modules: itsOwn }
  const machine: Machine = new Machine({
    scheduler: (setup, heard) => new Threads(setup, heard, undefined, new ThreadPool(0)),
    kernel,
    first,
    program: postgres,
    modules,
    maxProcesses: 16,
    environment: { ...commonEnvironment(), ...own },
    ownStreams: onWrite === undefined,
    onLog: onWrite ?? (text => void process.stderr.write(text)),
    onState: () => {},
    onSocket: (fd, events) => connections.handle(fd, events),
  })
  const connections = new Connections(machine, outside)
  const { slot, exited } = machine.spawn({ args, pid: process.pid, directory: posixPath(process.cwd()) })
  const interrupt = () => void machine.kernel.kill(slot, SIGINT)
  // A program that has this process' terminal also gets its Ctrl-C.
  if (onWrite === undefined) process.on('SIGINT', interrupt)
  const status = await exited
  process.off('SIGINT', interrupt)
  connections.close()
  await machine.close()
  return exitCode(status)
}

/**
 * Runs one of PostgreSQL's client programs.
 *
 * @param program its name
 * @param args its arguments
 * @returns its exit code
 */
export function runClient(
  program: string,
  args: readonly string[],
  options: Omit<ProgramOptions, 'modules'>,
): Promise<number> {
  return runProgram(
    resolve(artefactsFolder(), 'programs/client.wasm'),
    [`${installedAt()}/bin/${program}`, ...args],
    {
      ...options,
      modules: clientModules,
    },
  )
}

const noConnections: ConnectingHost = {
  connect: () =>
    Promise.reject(Object.assign(new Error('this program makes no connections'), { code: 'ENETUNREACH' })),
  resolve: () => Promise.resolve([]),
}
