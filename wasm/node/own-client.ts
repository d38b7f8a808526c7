/** The client of a process that is alone on its thread, when the thread has the client's socket itself. */
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
  /** The client's socket in the machine. */
  readonly fd: number
  /** Address of the process' wake word. */
  readonly event: number
  /** Counts statements, in its first number. */
  readonly statements: BigInt64Array | undefined
  /** Called when the system's socket has been closed. */
  readonly left: () => void
}

export class OwnClient {
  /** The process' own, which suspends it. The host's functions for the socket do not wait, so the thread calls them here as well. */
  readonly kernel: KernelExports
  readonly #sleeper: OwnSleeper
  #socket: ClientSocket | undefined
  #connection: Connection | undefined
  #ended = false

  constructor(
    kernel: WebAssembly.Module,
    readonly memory: LinearMemory,
    readonly options: OwnClientOptions,
  ) {
    const blocking = threadHost(memory.memory, nodeSystem.monotonic)
    const sleeper = new OwnSleeper(options.event, memory, blocking, () => this.#handleEvents())
    const { Suspending } = promiseIntegration()
    this.#sleeper = sleeper
    this.kernel = instantiateKernel(kernel, memory.memory, {
      wait: new Suspending((word: number, expected: number, ms: number, moved: number) =>
        sleeper.sleep(word, expected, ms, moved !== 0),
      ),
      notify: word => sleeper.notify(word),
      now: nodeSystem.monotonic,
    })
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
   * The import by which the process reads. Some of PostgreSQL's loops read until there is something, and do not wait in between: if such a
   * one finds nothing for the second time, the process is suspended until the thread has looked at the socket.
   */
  reading(read: (buffer: number, length: number) => number): WebAssembly.ImportValue {
    const { Suspending } = promiseIntegration()
    return new Suspending((buffer: number, length: number) => {
      const result = read(buffer, length)
      if (result !== -errno.EAGAIN) return result
      const { slept } = this.#sleeper
      this.#sleeper.slept = false
      return slept ? result : nodeSystem.nextTurn().then(() => read(buffer, length))
    })
  }

  /** To be called when the process has ended, and the kernel does not know yet. */
  end(): void {
    this.#ended = true
    this.#sleeper.close()
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
