/** Runs a program of the build's, such as initdb or psql, on a machine of its own; the processes it starts are servers. */

import { Connecting, type ConnectingHost } from '../cluster/connecting.js'
import { ClientSocket } from '../machine/client-socket.js'
import { SocketEvent } from '../machine/kernel.js'
import { exitCode, Machine } from '../machine/machine.js'
import { environment, loadKernel, loadProgram, loadPrograms } from './artefacts.js'
import { ThreadPool } from './thread-pool.js'
import { Threads } from './threads.js'

const SIGINT = 2

/** Bytes: c/kernel/param.h. */
const PATH_SIZE = 1024

export interface ProgramOptions {
  /** What it sees of an environment beside what all programs see. */
  environment?: Readonly<Record<string, string>>
  /** Called with what it and its children write; by default they have the streams and the terminal of this process. */
  onWrite?: (text: string) => void
  /** How it connects to servers. By default it cannot. */
  connections?: ConnectingHost
  /** It starts no servers, so these need not be compiled. */
  alone?: boolean
}

/**
 * @param file the program, a WebAssembly module linked as postgres.wasm is
 * @param args its command line, with its own name first
 * @returns its exit code
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { environment: own = {}, onWrite, connections = noConnections, alone = false }: ProgramOptions,
): Promise<number> {
  const first = loadProgram(file)
  const { kernel, postgres, modules } = alone
    ? { kernel: loadKernel(), postgres: first, modules: new Map() }
    : loadPrograms()
  const sockets = new Map<number, ClientSocket>()
  const connection = (fd: number) => {
    const socket = new ClientSocket(fd, machine.kernel, machine.memory, () => sockets.delete(fd))
    sockets.set(fd, socket)
    return socket
  }
  const handle = (fd: number) => {
    const events = machine.kernel.socket_events(fd)
    if (events & SocketEvent.Connect) void connecting.start(fd)
    if (!connecting.has(fd)) sockets.get(fd)?.handle(events)
    else if (events & SocketEvent.Closed) connecting.stop(fd)
  }
  const machine: Machine = new Machine({
    scheduler: (setup, heard) => new Threads(setup, heard, undefined, new ThreadPool(0)),
    kernel,
    first,
    program: postgres,
    modules,
    maxProcesses: 16,
    environment: { ...environment, ...own },
    ownStreams: onWrite === undefined,
    onLog: onWrite ?? (text => void process.stderr.write(text)),
    onState: () => {},
    onSockets() {
      for (let fd = machine.kernel.next_socket(); fd > 0; fd = machine.kernel.next_socket()) handle(fd)
    },
  })
  const connecting = new Connecting(machine, connections, connection)
  const { slot, exited } = machine.spawn(args, process.pid)
  // Before it runs, so that it finds the files that it is told of.
  const directory = new TextEncoder().encode(`${process.cwd()}\0`)
  if (directory.length > PATH_SIZE) throw new Error('the path of the working directory is too long')
  const at = machine.kernel.sys_cwd(slot) >>> 0
  machine.memory.reach(at + directory.length).set(directory, at)
  const interrupt = () => void machine.kernel.kill(slot, SIGINT)
  // Whoever has this process' terminal also has its Ctrl-C.
  if (onWrite === undefined) process.on('SIGINT', interrupt)
  const status = await exited
  process.off('SIGINT', interrupt)
  connecting.close()
  await machine.close()
  return exitCode(status)
}

const noConnections: ConnectingHost = {
  connect: () => Promise.reject(Object.assign(new Error('no way out'), { code: 'ENETUNREACH' })),
  resolve: () => Promise.resolve([]),
}
