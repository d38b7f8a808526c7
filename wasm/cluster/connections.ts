/** The machine's end of all connections: those of clients, and those that processes make to other servers and to the host's services. */
import {
  INTERFACES,
  PEER_SERVICE,
  RESOLVER,
  SOCKET_CLOSED,
  SOCKET_CONNECT,
  TLS_SERVICE,
} from '../machine/abi.js'
import { type ListenAddress, readAddress, writeAddress } from '../machine/address.js'
import { ClientSocket } from '../machine/client-socket.js'
import { errnoOf } from '../machine/host/errno.js'
import type { Machine } from '../machine/machine.js'
import { answerStrings } from './answer.js'
import { answerResolver } from './resolver.js'
import { answerTls, type TlsProvider } from './tls.js'

export interface ConnectingHost {
  /**
   * Called when a process connects to another server. Rejects with an error whose `code` says why there is no connection.
   *
   * @param connected makes the machine's end of the connection, given the connection's local address; returns undefined when the
   *   process does not want it any more
   * @param signal aborted when the process stops waiting
   */
  connect(
    address: ListenAddress,
    connected: (local: ListenAddress) => ClientSocket | undefined,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * Resolves to the numeric addresses of a host name, or to the name of a numeric address. Rejects with an error whose `code` is
   * ENOTFOUND if there is none.
   */
  resolve(question: string): Promise<readonly string[]>
  /** The addresses of the network interfaces. A host that does not know any has none. */
  interfaces?(): readonly InterfaceAddress[]
}

/** A numeric address of a network interface, and its netmask in the same notation. */
export interface InterfaceAddress {
  readonly address: string
  readonly netmask: string
}

export class Connections {
  readonly #open = new Map<number, ClientSocket>()
  /** Connections that processes wait for, by socket. */
  readonly #attempts = new Map<number, AbortController>()
  /** Why connections that processes have not closed yet ended, by socket, if TLS is the reason. */
  readonly #failures = new Map<number, string>()

  /**
   * @param tls does TLS, if the host can
   * @param left called when a connection has ended and its descriptor is free
   */
  constructor(
    readonly machine: Machine,
    readonly host: ConnectingHost,
    readonly tls?: TlsProvider | undefined,
    readonly left: (fd: number) => void = () => {},
  ) {}

  /** Makes the machine's end of a connection. */
  add(fd: number): ClientSocket {
    this.#failures.delete(fd)
    const socket = new ClientSocket(fd, this.machine.kernel, this.machine.memory, ({ failure }) => {
      if (failure !== undefined) this.#failures.set(fd, failure)
      this.machine.kernel.release(fd)
      this.#open.delete(fd)
      this.left(fd)
    })
    this.#open.set(fd, socket)
    return socket
  }

  /** The machine's end of a connection. */
  get(fd: number): ClientSocket | undefined {
    return this.#open.get(fd)
  }

  /** Handles events of a socket that does not listen. */
  handle(fd: number, events: number): void {
    if (events & SOCKET_CONNECT) void this.#connect(fd)
    if (!this.#attempts.has(fd)) this.#open.get(fd)?.handle(events)
    else if (events & SOCKET_CLOSED) this.#giveUp(fd)
  }

  close(): void {
    for (const attempt of this.#attempts.values()) attempt.abort()
    this.#attempts.clear()
  }

  async #connect(fd: number): Promise<void> {
    const { kernel, memory } = this.machine
    const address = readAddress(memory, kernel.socket_address(fd))
    const attempt = new AbortController()
    this.#attempts.set(fd, attempt)
    const connected = (local: ListenAddress) => {
      if (attempt.signal.aborted) return undefined
      this.#attempts.delete(fd)
      writeAddress(memory, kernel.scratch(), local)
      return kernel.connected(fd, 0) === 0 ? this.add(fd) : undefined
    }
    try {
      const service = 'path' in address ? this.#service(address.path) : undefined
      if (service === undefined) await this.host.connect(address, connected, attempt.signal)
      else {
        const socket = connected({ path: '' })
        if (socket !== undefined) service(socket)
      }
    } catch (error) {
      if (attempt.signal.aborted) return
      this.#attempts.delete(fd)
      kernel.connected(fd, errnoOf(error))
    }
  }

  /** The host's service at this path, if there is one. */
  #service(path: string): ((question: ClientSocket) => void) | undefined {
    if (path === RESOLVER) return question => answerResolver(question, this.host.resolve)
    if (path === INTERFACES) return question => answerStrings(question, async () => this.#interfaces())
    if (path === PEER_SERVICE)
      return question => answerStrings(question, async fd => this.#userOf(Number(fd)))
    if (path === TLS_SERVICE)
      return question =>
        answerTls(question, {
          provider: this.tls,
          connectionOf: fd => this.#open.get(fd),
          failureOf: fd => this.#open.get(fd)?.failure ?? this.#failures.get(fd),
        })
    return undefined
  }

  #userOf(fd: number): string[] {
    const user = this.#open.get(fd)?.user
    return user === undefined ? [] : [user]
  }

  #interfaces(): string[] {
    return (this.host.interfaces?.() ?? []).flatMap(({ address, netmask }) => [address, netmask])
  }

  /** To be called when a process has closed a socket before it was connected. */
  #giveUp(fd: number): void {
    this.#attempts.get(fd)?.abort()
    this.#attempts.delete(fd)
    this.machine.kernel.release(fd)
  }
}
