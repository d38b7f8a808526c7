/** Connections that processes make to other servers, and to the host's services: from the request to the connection. */
import { type ListenAddress, readAddress, writeAddress } from '../machine/address.js'
import type { ClientSocket } from '../machine/client-socket.js'
import { errnoOf } from '../machine/host/errno.js'
import type { Machine } from '../machine/machine.js'
import { answerResolver, RESOLVER } from './resolver.js'
import { TLS_SERVICE } from './tls.js'

export interface ConnectingHost {
  /**
   * Called when a process connects to another server. `connected` makes the machine's end of the connection, given the
   * address that the connection has on this side, or returns undefined when nobody wants it any more. Rejects with an
   * error whose `code` says why there is no connection; `signal` is aborted when the process stops waiting for one.
   */
  connect(
    address: ListenAddress,
    connected: (local: ListenAddress) => ClientSocket | undefined,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * The numeric addresses of a host name, or the name of a numeric address. Rejects with an error whose `code` is
   * ENOTFOUND if there are none.
   */
  resolve(question: string): Promise<readonly string[]>
}

export class Connecting {
  readonly #attempts = new Map<number, AbortController>()

  /**
   * @param connection makes the machine's end of a connection, by its descriptor
   * @param answerTls answers what is asked by a connection to TLS_SERVICE
   */
  constructor(
    readonly machine: Machine,
    readonly host: ConnectingHost,
    readonly connection: (fd: number) => ClientSocket,
    readonly answerTls?: (socket: ClientSocket) => void,
  ) {}

  /** Whether this socket waits for a connection. */
  has(fd: number): boolean {
    return this.#attempts.has(fd)
  }

  async start(fd: number): Promise<void> {
    const { kernel, memory } = this.machine
    const address = readAddress(memory, kernel.socket_address(fd))
    const attempt = new AbortController()
    this.#attempts.set(fd, attempt)
    const connected = (local: ListenAddress) => {
      if (attempt.signal.aborted) return undefined
      this.#attempts.delete(fd)
      writeAddress(memory, kernel.scratch(), local)
      return kernel.connected(fd, 0) === 0 ? this.connection(fd) : undefined
    }
    try {
      if ('path' in address && address.path === RESOLVER) {
        const socket = connected({ path: '' })
        if (socket !== undefined) answerResolver(socket, this.host.resolve)
      } else if ('path' in address && address.path === TLS_SERVICE && this.answerTls !== undefined) {
        const socket = connected({ path: '' })
        if (socket !== undefined) this.answerTls(socket)
      } else await this.host.connect(address, connected, attempt.signal)
    } catch (error) {
      if (attempt.signal.aborted) return
      this.#attempts.delete(fd)
      kernel.connected(fd, errnoOf(error))
    }
  }

  /** The process does not wait any longer. */
  stop(fd: number): void {
    this.#attempts.get(fd)?.abort()
    this.#attempts.delete(fd)
    this.machine.kernel.release(fd)
  }

  close(): void {
    for (const attempt of this.#attempts.values()) attempt.abort()
    this.#attempts.clear()
  }
}
