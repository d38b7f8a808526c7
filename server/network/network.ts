/** A server's sockets: those that it listens on, and those of its connections to other servers. */
import type { Door, ListenAddress } from '../../wasm/cluster/cluster.js'
import { SessionRefused, tooManyClients } from '../../wasm/cluster/session-refused.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import { bindAll, numericAddresses, portOf, sameAddress } from './listen-addresses.js'
import { Listener, type ListenerStatistics } from './listener.js'
import { type Connected, Outgoing } from './outgoing.js'
import type { Tls } from './tls.js'

export class Network {
  /** The numeric TCP addresses that the server listens on. */
  readonly addresses: readonly string[]
  /** The port there, or undefined without TCP. */
  readonly port: number | undefined
  readonly #listeners: Listener[]
  readonly #outgoing = new Outgoing()
  /** Whether clients wait for another cluster. */
  #held = false
  #open: () => void = () => {}
  #opened = this.#untilOpen()

  /**
   * Listens on one TCP port of all these hosts. Clients wait until PostgreSQL listens there.
   *
   * @param port 0 for any that is free on all of them
   * @throws StartupError when the port is taken on one of them, this process may not use it, or a host has no address
   */
  static async bind(hosts: readonly string[], port: number): Promise<Network> {
    return new Network(await bindAll(await numericAddresses(hosts), port, Listener.bind))
  }

  private constructor(listeners: Listener[]) {
    this.#listeners = listeners
    this.addresses = listeners.flatMap(({ address }) => ('host' in address ? [address.host] : []))
    this.port = listeners[0] && portOf(listeners[0].address)
  }

  /** Lets clients in. Until then those that connect wait. */
  open(): void {
    this.#open()
  }

  /** Called when PostgreSQL listens on an address. Resolves to a function that stops listening. */
  async listen(address: ListenAddress, door: Door, tls: Tls): Promise<() => void> {
    let listener = this.#listeners.find(bound => sameAddress(bound.address, address))
    if (listener === undefined) {
      listener = await Listener.bind(address)
      this.#listeners.push(listener)
    }
    const listening = listener
    void this.#opened.then(() => listening.start(door, tls))
    return () => this.#stop(listening)
  }

  /** Makes clients that connect by TCP wait until another cluster listens there, and goes on to listen when this one ends. */
  hold(): void {
    this.#held = true
    this.#opened = this.#untilOpen()
    for (const listener of this.#listeners) listener.wait()
  }

  /** Ends hold(): lets clients in, and closes the ports when the cluster ends. */
  resume(): void {
    this.#held = false
    this.#open()
    // After the listeners have got the doors of another cluster, if there is one.
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener.goOn()
    })
  }

  /** Resolves when open() is called. */
  #untilOpen(): Promise<void> {
    return new Promise(resolve => {
      this.#open = resolve
    })
  }

  #stop(listener: Listener): void {
    if (this.#held && 'host' in listener.address) return
    listener.close()
    // PostgreSQL removes the file of a unix socket.
    if (this.#held) this.#listeners.splice(this.#listeners.indexOf(listener), 1)
  }

  /** Called when PostgreSQL connects to another server: see Outgoing. */
  connect(address: ListenAddress, connected: Connected, signal: AbortSignal): Promise<void> {
    return this.#outgoing.connect(address, connected, signal)
  }

  /** Lets in a client that has come by other means, as if it had come by TCP. */
  accept(peer: ListenAddress): ClientSocket {
    const listener = this.#listeners.find(({ address }) => 'host' in address)
    if (listener === undefined)
      throw new SessionRefused(
        '28000',
        'queries by HTTP count as TCP connections, and this server accepts none',
      )
    const socket = listener.accept(peer)
    if (socket === undefined) throw tooManyClients()
    return socket
  }

  /** Of all listeners together. */
  get statistics(): ListenerStatistics {
    const total = (key: keyof ListenerStatistics) =>
      this.#listeners.reduce((sum, { statistics }) => sum + statistics[key], 0)
    return {
      accepted: total('accepted'),
      refused: total('refused'),
      open: total('open'),
      statements: total('statements'),
    }
  }

  /** Ends all connections, each after its backend's last output. To be called when the cluster has ended. */
  endConnections(): void {
    for (const connections of [...this.#listeners, this.#outgoing]) connections.finish()
  }

  /** The same, and stops listening. */
  finish(): void {
    this.endConnections()
    this.close()
  }

  close(): void {
    for (const listener of this.#listeners) listener.close()
  }
}
