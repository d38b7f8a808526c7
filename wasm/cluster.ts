/**
 * A running cluster: the postmaster and its processes, each on a thread, seen from the main thread. This is where the
 * kernel's requests to the host are answered: start a process, end one by force, post an alarm, move a client's bytes.
 */
import { type ListenAddress, readAddress, writeAddress } from './address.js'
import { loadPrograms, type Programs, postgresPath } from './artefacts.js'
import { ClientSocket } from './client-socket.js'
import { errnoOf } from './host/errno.js'
import { instantiateKernel, type KernelExports, monotonic, SocketEvent, threadHost, Work } from './kernel.js'
import { LinearMemory } from './memory.js'
import { imageSize } from './program.js'
import { Threads } from './threads.js'
import type { WorkerMessage } from './worker.js'

export type { ListenAddress } from './address.js'

export interface ClusterOptions {
  /** Absolute path of a directory that holds a cluster. */
  dataDir: string
  /** PostgreSQL's settings, as -c name=value on its command line. */
  settings: Readonly<Record<string, string>>
  /** At most so many processes at a time; PostgreSQL's own limits should be reached first. */
  maxProcesses?: number
  /**
   * Called when the postmaster listens on an address, as listen_addresses, port and unix_socket_directories tell it.
   * Resolves with a function that stops listening; rejects with an error whose `code` says why it cannot, which
   * PostgreSQL reports. `accept` makes the cluster's end of a connection for a client that has come, or returns
   * undefined when there is no room for one.
   */
  listen(
    address: ListenAddress,
    accept: (peer: ListenAddress) => ClientSocket | undefined,
  ): Promise<() => void>
  /** PostgreSQL's log, one or more complete lines at a time. */
  onLog(text: string): void
}

/** The postmaster has ended before it accepted connections. */
export class StartError extends Error {
  constructor(
    readonly exitCode: number,
    /** The last lines of PostgreSQL's log. */
    readonly log: string,
  ) {
    super(`PostgreSQL did not start (exit code ${exitCode})`)
  }
}

export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM'

const SIGNALS: Record<Signal, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 }

/** An abstract unix socket that only this process' own connections come to. */
const INTERNAL = '@in-process'

/** What this host cannot do otherwise, or what suits it better than PostgreSQL's default. The former comes last. */
const DEFAULTS = { io_method: 'sync' }
const REQUIRED = { dynamic_shared_memory_type: 'sysv', shared_memory_type: 'sysv' }

const INITIAL_PAGES = 256
const MAXIMUM_PAGES = 65536
const MAX_PROCESSES = 512
const LOG_TAIL = 8192

interface ListeningSocket {
  readonly address: ListenAddress
  stop: () => void
}

export class Cluster {
  /** The postmaster's exit code, once it has ended. */
  readonly exited: Promise<number>

  readonly #memory: LinearMemory
  readonly #kernel: KernelExports
  readonly #threads: Threads
  readonly #clients = new Map<number, ClientSocket>()
  readonly #listening = new Map<number, ListeningSocket>()
  readonly #postmaster: number
  #internal = 0
  #timer: NodeJS.Timeout | undefined
  #running = true
  #logTail = ''
  #exit: (code: number) => void = () => {}
  #ready: () => void = () => {}

  /** Resolves when the cluster accepts connections; rejects with a StartError if it ends before that. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { unix_socket_directories: directories, ...settings } = options.settings
    const all = {
      ...DEFAULTS,
      ...settings,
      unix_socket_directories: [directories, INTERNAL].filter(Boolean).join(','),
      ...REQUIRED,
    }
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const cluster = new Cluster(loadPrograms(), options, [postgresPath, '-D', options.dataDir, ...args])
    await cluster.#started()
    return cluster
  }

  private constructor(
    programs: Programs,
    readonly options: ClusterOptions,
    args: readonly string[],
  ) {
    const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true })
    const size = imageSize(programs.postgres)
    this.#memory = new LinearMemory(memory)
    this.#kernel = instantiateKernel(programs.kernel, memory, threadHost(memory))
    if (this.#kernel.host_boot(options.maxProcesses ?? MAX_PROCESSES, size.data) < 0)
      throw new Error('out of memory')
    this.#threads = new Threads(
      {
        memory,
        kernel: programs.kernel,
        program: programs.postgres,
        size,
        environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      },
      message => this.#hear(message),
    )
    this.exited = new Promise(resolve => {
      this.#exit = resolve
    })
    const text = Buffer.from(args.map(arg => `${arg}\0`).join(''))
    const scratch = this.#kernel.host_scratch() >>> 0
    this.#memory.reach(scratch + text.length).set(text, scratch)
    this.#postmaster = this.#kernel.host_spawn(args.length, process.pid)
    if (this.#postmaster < 0) throw new Error('the command line is too long')
    void this.#serve()
  }

  async #started(): Promise<void> {
    const ready = new Promise<true>(resolve => {
      this.#ready = () => resolve(true)
    })
    const result = await Promise.race([ready, this.exited])
    if (result === true) return
    await this.close()
    throw new StartError(result, this.#logTail)
  }

  /** SIGTERM, SIGINT and SIGQUIT shut down smartly, fast and immediately; SIGHUP reloads the configuration. */
  signal(signal: Signal): void {
    this.#kernel.host_kill(this.#postmaster, SIGNALS[signal])
  }

  /** A connection from within this process, which pg_hba.conf sees as `local`. */
  connect(): ClientSocket {
    const socket = this.#accept(this.#internal, { path: '' })
    if (socket === undefined) throw new Error('the cluster cannot take more connections')
    return socket
  }

  /** Frees the threads. Call it once the postmaster has ended, or everything ends at once. */
  async close(): Promise<void> {
    this.#running = false
    clearTimeout(this.#timer)
    for (const { stop } of this.#listening.values()) stop()
    this.#listening.clear()
    await this.#threads.close()
  }

  /** Answers the kernel until the cluster is closed. */
  async #serve(): Promise<void> {
    const word = this.#kernel.host_word() >>> 2
    const words = new Int32Array(this.#memory.memory.buffer)
    while (this.#running) {
      const seen = Atomics.load(words, word)
      const work = this.#kernel.host_work()
      if (work === 0) {
        const waiting = Atomics.waitAsync(words, word, seen)
        if (waiting.async) await waiting.value
        continue
      }
      if (work & Work.Spawn) this.#startProcesses()
      if (work & Work.Kill) this.#killProcesses()
      if (work & Work.Timer) this.#postAlarms()
      if (work & Work.Socket) this.#handleSockets()
    }
  }

  #startProcesses(): void {
    for (let slot = this.#kernel.host_next_embryo(); slot > 0; slot = this.#kernel.host_next_embryo())
      this.#threads.run(slot)
  }

  #killProcesses(): void {
    const slot = this.#kernel.host_next_killed()
    if (slot > 0) this.#threads.kill(slot)
  }

  #postAlarms(): void {
    clearTimeout(this.#timer)
    const next = this.#kernel.host_timers(monotonic())
    if (next > 0) this.#timer = setTimeout(() => this.#postAlarms(), Math.max(1, next - monotonic()))
  }

  #handleSockets(): void {
    for (let fd = this.#kernel.host_next_socket(); fd > 0; fd = this.#kernel.host_next_socket()) {
      const events = this.#kernel.host_socket_events(fd)
      if (events & SocketEvent.Listen) void this.#listen(fd)
      else if (this.#listening.has(fd)) this.#stopListening(fd)
      else this.#clients.get(fd)?.handle(events)
    }
  }

  async #listen(fd: number): Promise<void> {
    const address = readAddress(this.#memory, this.#kernel.host_socket_address(fd))
    const listening: ListeningSocket = { address, stop: () => {} }
    this.#listening.set(fd, listening)
    if ('path' in address && address.path.startsWith('\0')) {
      this.#internal = fd
      this.#kernel.host_listening(fd, 0)
      return
    }
    try {
      listening.stop = await this.options.listen(address, peer => this.#accept(fd, peer))
      this.#kernel.host_listening(fd, 0)
    } catch (error) {
      this.#listening.delete(fd)
      this.#kernel.host_listening(fd, errnoOf(error))
    }
  }

  #stopListening(fd: number): void {
    this.#listening.get(fd)?.stop()
    this.#listening.delete(fd)
    this.#kernel.host_release(fd)
  }

  #accept(listener: number, peer: ListenAddress): ClientSocket | undefined {
    writeAddress(this.#memory, this.#kernel.host_scratch(), peer)
    const fd = this.#kernel.host_connect(listener)
    if (fd < 0) return undefined
    const socket = new ClientSocket(fd, this.#kernel, this.#memory, () => this.#clients.delete(fd))
    this.#clients.set(fd, socket)
    return socket
  }

  #hear(message: WorkerMessage): void {
    switch (message.type) {
      case 'log':
        this.#logTail = (this.#logTail + message.text).slice(-LOG_TAIL)
        this.options.onLog(message.text)
        break
      case 'state':
        if (message.slot === this.#postmaster && message.state.startsWith('READY=1')) this.#ready()
        break
      case 'exit':
        this.#kernel.host_exit(message.slot, message.status)
        if (message.slot === this.#postmaster) this.#exit(exitCode(message.status))
        else this.#killProcesses()
        break
    }
  }
}

/** Of a wait status, as a shell shows it: 128 + n for a process that was ended by signal n. */
function exitCode(status: number): number {
  return status & 0x7f ? 128 + (status & 0x7f) : status >> 8
}
