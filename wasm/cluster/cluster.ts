/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A running cluster: the postmaster, its processes, and the sockets at which it listens.
 */
import { IN_PROCESS, SOCKET_CLOSED, SOCKET_LISTEN } from '../machine/abi.js'
import { type ListenAddress, readAddress, writeAddress } from '../machine/address.js'
import type { ClientSocket } from '../machine/client-socket.js'
import { errnoOf } from '../machine/host/errno.js'
import { type LogSink, textOfEntry } from '../machine/log-collector.js'
import { Machine, type ProcessStatus, type StartScheduler } from '../machine/machine.js'
import { exitCode } from '../machine/wait-status.js'
import { Admission } from './admission.js'
import { type ConnectingHost, Connections } from './connections.js'
import type { Programs } from './programs.js'
import { tooManyClients } from './session-refused.js'
import { SHUTDOWN_SIGNALS, SIGNALS, type Signal, type StopMode } from './signals.js'
import { StartError } from './start-error.js'
import type { TlsProvider } from './tls.js'

export type { ListenAddress } from '../machine/address.js'

/** Bytes through connections. */
export interface Traffic {
  /** From clients. */
  readonly received: number
  /** To clients. */
  readonly sent: number
}

/** What a cluster runs on. */
export interface ClusterHost {
  /** The compiled modules. */
  readonly programs: Programs
  /** Runs the processes. */
  readonly scheduler: StartScheduler
  /** The path of the server's executable, as the processes see it: they find share/ and lib/ from it. */
  readonly postgresPath: string
  /** The processes' environment variables. */
  readonly environment: Readonly<Record<string, string>>
  /** The postmaster's PID. */
  readonly pid: number
  /** How large the memory may become, in pages of 64 KiB; by default as large as 32 bits can address. */
  readonly maximumPages?: number
}

/** The options of `Cluster.start()`. */
export interface ClusterOptions extends ConnectingHost {
  /** What the cluster runs on. */
  host: ClusterHost
  /** Absolute path of a directory that holds a cluster. */
  dataDir: string
  /** PostgreSQL's settings, as -c name=value on its command line. */
  settings: Readonly<Record<string, string>>
  /** Size of the process table. PostgreSQL's own limits should be lower. */
  maxProcesses?: number
  /**
   * Called when the postmaster listens on an address: of listen_addresses and port, or of unix_socket_directories. Clients
   * that connect there are to be passed to the door. Resolves to a function that stops listening; rejects with an error whose
   * `code` is the errno that PostgreSQL reports.
   */
  listen(address: ListenAddress, door: Door): Promise<() => void>
  /** Does TLS. Without it PostgreSQL cannot turn on `ssl`. */
  tls?: TlsProvider
  /** Called with each entry of PostgreSQL's log. */
  onLog: LogSink
  /** Called when the postmaster runs, before it accepts connections. */
  onStarting?(cluster: Cluster): void
}

/** Passes clients of one listening address to PostgreSQL. */
export interface Door {
  /** Makes the cluster's end of a connection for a client; returns undefined if there is no room for it. */
  accept(peer: ListenAddress): ClientSocket | undefined
  /** Whether there is no room at the moment. When there is room again, onRoom is called. */
  readonly busy: boolean
  /** Called when the door may not be busy any more. The listener sets it. */
  onRoom: () => void
}

/** DEFAULTS suit this host better than PostgreSQL's. REQUIRED are the only values that work here. */
const DEFAULTS = { io_method: 'sync', file_copy_method: 'clone' }
const REQUIRED = { logging_collector: 'off', dynamic_shared_memory_type: 'sysv', shared_memory_type: 'sysv' }

const MAX_PROCESSES = 1024
const LOG_TAIL = 8192

interface ListeningSocket {
  readonly address: ListenAddress
  readonly door: Door
  stop: () => void
}

/** A running cluster, without a host of its own: it asks `options.host` for all that it needs of one. */
export class Cluster {
  /** Resolves to the postmaster's exit code when it has ended. */
  readonly exited: Promise<number>

  readonly #machine: Machine
  readonly #postmaster: number
  readonly #listening = new Map<number, ListeningSocket>()
  readonly #connections: Connections
  readonly #admission: Admission
  /** The listening socket for connections from the same program. */
  #internal = 0
  #logTail = ''
  #ready: () => void = () => {}

  /**
   * Resolves when the cluster accepts connections.
   *
   * @throws StartError if the postmaster ends before that
   */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options)
    options.onStarting?.(cluster)
    const ready = new Promise<void>(resolve => {
      cluster.#ready = resolve
    })
    const code = await Promise.race([ready, cluster.exited])
    if (code === undefined) return cluster
    await cluster.close()
    throw new StartError(code, cluster.#logTail)
  }

  private constructor(
    /** What Cluster.start() was given. */
    readonly options: ClusterOptions,
  ) {
    const { programs, scheduler, environment, postgresPath, pid, maximumPages } = options.host
    const { kernel, postgres, modules, shared } = programs
    const maxProcesses = options.maxProcesses ?? MAX_PROCESSES
    this.#admission = new Admission(maxProcesses)
    this.#machine = new Machine({
      maximumPages,
      shared,
      scheduler,
      kernel,
      first: postgres,
      program: postgres,
      modules,
      maxProcesses,
      environment,
      onLog: (entry, format) => {
        const text = format === 'jsonlog' ? textOfEntry(entry) : entry
        this.#logTail = (this.#logTail + text).slice(-LOG_TAIL)
        options.onLog(entry, format)
      },
      onState: (slot, state) => {
        if (slot === this.#postmaster && state.startsWith('READY=1')) this.#ready()
      },
      onStart: (slot, args) => {
        this.#admission.started(slot, this.#machine.kernel.sys_client(slot), args)
        this.#haveRoom()
      },
      onRunning: slot => {
        this.#admission.running(slot)
        this.#haveRoom()
      },
      onEnd: slot => {
        this.#admission.ended(slot)
        this.#haveRoom()
      },
      clientSocket: fd => this.#connections.get(fd),
      onSocket: (fd, events) => this.#handle(fd, events),
    })
    this.#connections = new Connections(this.#machine, options, options.tls, fd => {
      this.#admission.left(fd)
      this.#haveRoom()
    })
    const { unix_socket_directories: directories, ...settings } = options.settings
    const all = {
      ...DEFAULTS,
      ...settings,
      unix_socket_directories: [directories, IN_PROCESS].filter(Boolean).join(','),
      ...REQUIRED,
    }
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const first = { args: [postgresPath, '-D', options.dataDir, ...args], pid, attendant: true }
    const { slot, exited } = this.#machine.spawn(first)
    this.#postmaster = slot
    this.exited = exited.then(exitCode)
  }

  /** The linear memory: PostgreSQL's shared memory and that of all processes. */
  get memory(): WebAssembly.Memory {
    return this.#machine.memory.memory
  }

  /** All running processes, with the postmaster. */
  processes(): Iterable<ProcessStatus> {
    return this.#machine.processes()
  }

  /** Bytes of linear memory that processes have each for themselves. */
  get processMemory(): number {
    return this.#machine.processMemory
  }

  /** Bytes through all connections since the start. */
  get traffic(): Traffic {
    return { received: this.#machine.kernel.received(), sent: this.#machine.kernel.sent() }
  }

  /** Tells the postmaster to shut down; `exited` resolves when it has done so. */
  shutDown(mode: StopMode): void {
    this.signal(SHUTDOWN_SIGNALS[mode])
  }

  /**
   * Signals the postmaster. SIGHUP reloads the configuration; SIGUSR1 makes the postmaster look for a file that asks for promotion or
   * for another log file.
   */
  signal(signal: Signal): void {
    this.#machine.kernel.kill(this.#postmaster, SIGNALS[signal])
  }

  /** Signals one of the processes, by its PID in the cluster. Returns whether there is one. */
  kill(pid: number, signal: Signal): boolean {
    return this.#machine.kill(pid, SIGNALS[signal])
  }

  /**
   * A connection from within this process, which pg_hba.conf sees as `local`.
   *
   * @throws SessionRefused when there is no room for it
   */
  connect(): ClientSocket {
    const socket = this.#accept(this.#internal, { path: '' })
    if (socket === undefined) throw tooManyClients()
    return socket
  }

  /** Frees all resources. Call it when the postmaster has ended; processes that still run are killed. */
  async close(): Promise<void> {
    for (const { stop } of this.#listening.values()) stop()
    this.#listening.clear()
    this.#connections.close()
    await this.#machine.close()
  }

  /** shutDown('fast') and close(), at the end of the block of an `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.shutDown('fast')
    await this.exited
    await this.close()
  }

  #handle(fd: number, events: number): void {
    if (events & SOCKET_LISTEN) void this.#listen(fd)
    if (!this.#listening.has(fd)) this.#connections.handle(fd, events)
    else if (events & SOCKET_CLOSED) this.#stopListening(fd)
  }

  async #listen(fd: number): Promise<void> {
    const address = readAddress(this.#machine.memory, this.#machine.kernel.socket_address(fd))
    const { kernel } = this.#machine
    const admission = this.#admission
    const door: Door = {
      accept: peer => (admission.full || admission.busy ? undefined : this.#accept(fd, peer)),
      get busy() {
        return !admission.full && admission.busy
      },
      onRoom: () => {},
    }
    const listening: ListeningSocket = { address, door, stop: () => {} }
    this.#listening.set(fd, listening)
    if ('path' in address && address.path.startsWith('@')) {
      this.#internal = fd
      kernel.listening(fd, 0)
      return
    }
    try {
      const stop = await this.options.listen(address, door)
      if (this.#listening.get(fd) !== listening) return stop()
      listening.stop = stop
      kernel.listening(fd, 0)
    } catch (error) {
      if (this.#listening.get(fd) !== listening) return
      this.#listening.delete(fd)
      kernel.listening(fd, errnoOf(error))
    }
  }

  #stopListening(fd: number): void {
    this.#listening.get(fd)?.stop()
    this.#listening.delete(fd)
    this.#machine.kernel.release(fd)
  }

  #accept(listener: number, peer: ListenAddress): ClientSocket | undefined {
    writeAddress(this.#machine.memory, this.#machine.kernel.scratch(), peer)
    const fd = this.#machine.kernel.queue_client(listener)
    if (fd < 0) return undefined
    this.#admission.queued(fd)
    return this.#connections.add(fd)
  }

  #haveRoom(): void {
    for (const { door } of this.#listening.values()) door.onRoom()
  }
}
