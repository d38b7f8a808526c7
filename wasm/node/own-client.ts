/** Clients of processes that are alone on a thread, one after the other, when the thread has the clients' sockets itself. */
import { errno } from '../machine/abi.js'
import { ClientSocket } from '../machine/client-socket.js'
import { promiseIntegration } from '../machine/jspi.js'
import { instantiateKernel, type KernelExports, threadHost } from '../machine/kernel.js'
import type { LinearMemory } from '../machine/memory.js'
import { Connection } from './connection.js'
import { OwnSleeper } from './own-sleeper.js'
import type { Handle } from './socket-channel.js'
import { nodeSystem } from './system.js'

export interface OwnClientOptions {
  /** Of its process. */
  readonly slot: number
  /** The client's socket in the machine. */
  readonly fd: number
  /** Address of the process' wake word. */
  readonly event: number
  /** Counts statements, in its first number. */
  readonly statements: BigInt64Array | undefined
  /** Called when the system's socket has been closed. */
  readonly left: () => void
}

/** The kernel of these processes: it suspends them. */
export class OwnClientKernel {
  readonly exports: KernelExports
  /** The import by which a process reads. */
  readonly read: WebAssembly.ImportValue
  /** Of the process that runs, or ran last. */
  #client: OwnClient | undefined
  readonly #blocking: ReturnType<typeof threadHost>

  constructor(
    module: WebAssembly.Module,
    readonly memory: LinearMemory,
  ) {
    const { Suspending } = promiseIntegration()
    this.#blocking = threadHost(memory.memory, nodeSystem.monotonic)
    this.exports = instantiateKernel(module, memory.memory, {
      wait: new Suspending((word: number, expected: number, ms: number, moved: number) =>
        this.#client!.sleeper.sleep(word, expected, ms, moved !== 0),
      ),
      notify: word => (this.#client?.sleeper ?? this.#blocking).notify(word),
      now: nodeSystem.monotonic,
    })
    this.read = new Suspending((buffer: number, length: number) => this.#client!.read(buffer, length))
  }

  /** The client of the next process. */
  next(options: OwnClientOptions): OwnClient {
    this.#client = new OwnClient(this.exports, this.memory, this.#blocking, options)
    return this.#client
  }
}

export class OwnClient {
  readonly sleeper: OwnSleeper
  #socket: ClientSocket | undefined
  #connection: Connection | undefined
  #ended = false

  constructor(
    /** The host's functions for the socket do not wait, so the thread calls them as well. */
    readonly kernel: KernelExports,
    readonly memory: LinearMemory,
    blocking: ReturnType<typeof threadHost>,
    readonly options: OwnClientOptions,
  ) {
    this.sleeper = new OwnSleeper(options.event, memory, blocking, () => this.#handleEvents())
  }

  /** To be called with the system's socket when it is here; with undefined if it has got lost. */
  connect(handle: Handle | undefined): void {
    const { fd, statements, left } = this.options
    if (handle === undefined) {
      this.kernel.input_end(fd, 1)
      left()
      return
    }
    this.#socket = new ClientSocket(fd, this.kernel, this.memory, () => {})
    this.#socket.backendStarts()
    this.#connection = Connection.ofHandle(handle, this.#socket, { statements, onEnd() {}, onClosed: left })
    this.#handleEvents()
    if (this.#ended) this.#connection.finish()
  }

  /**
   * Reads for the process. Some of PostgreSQL's loops read until there is something, and do not wait in between: if such a one finds
   * nothing for the second time, the process is suspended until the thread has looked at the socket.
   */
  read(buffer: number, length: number): number | Promise<number> {
    const { slot, fd } = this.options
    const read = () => this.kernel.sys_recv(slot, fd, buffer, length)
    const result = read()
    if (result !== -errno.EAGAIN) return result
    const { slept } = this.sleeper
    this.sleeper.slept = false
    return slept ? result : nodeSystem.nextTurn().then(read)
  }

  /** To be called when the process has ended, and the kernel does not know yet. */
  end(): void {
    this.#ended = true
    this.sleeper.close()
    this.#connection?.finish()
  }

  /** Returns whether the client's socket has taken all output. */
  #handleEvents(): boolean {
    if (this.#socket === undefined) return false
    const events = this.kernel.socket_events(this.options.fd)
    if (events !== 0) this.#socket.handle(events)
    return this.#connection!.sent
  }
}
