/** The cluster that runs on a server's data directory: another one after the directory has been restored. */
import type { Cluster } from '../../wasm/cluster/cluster.js'
import type { ClientSocket } from '../../wasm/machine/client-socket.js'
import type { Network } from '../network/network.js'

interface Parts {
  readonly cluster: Cluster
  readonly again: () => Promise<Cluster>
  readonly network: Network
}

export class RestorableCluster {
  /** The one that runs, or has run last. */
  cluster: Cluster
  /** Resolves to the exit code of the last one, when no other will follow. */
  readonly exited: Promise<number>
  #restarting: Promise<void> | undefined
  #ended = false

  /** @param endStreams ends the connections within this process */
  constructor(
    readonly parts: Parts,
    readonly endStreams: () => void,
  ) {
    this.cluster = parts.cluster
    this.exited = this.#untilLast()
  }

  /** @throws Error with code ECONNREFUSED after the last has ended */
  async connect(): Promise<ClientSocket> {
    await this.#restarting
    if (this.#ended) throw Object.assign(new Error('the server has stopped'), { code: 'ECONNREFUSED' })
    return this.cluster.connect()
  }

  /** Resolves when it is not being restored. */
  async settled(): Promise<void> {
    await this.#restarting
  }

  /**
   * Ends the cluster, changes its files, and starts another on them.
   *
   * @param prepare resolves to a function that changes the files; if it rejects, the cluster goes on
   * @throws Error when the server has stopped, or is being restored; what the functions or the start throw
   */
  async restart(prepare: () => Promise<() => void>): Promise<void> {
    if (this.#ended || this.#restarting !== undefined)
      throw new Error(this.#ended ? 'the server has stopped' : 'the server is being restored already')
    const { network } = this.parts
    network.hold()
    const restarting = this.#startAgain(prepare)
    this.#restarting = restarting.catch(() => {})
    try {
      await restarting
    } finally {
      this.#restarting = undefined
      network.resume()
    }
  }

  async #startAgain(prepare: () => Promise<() => void>): Promise<void> {
    const { network, again } = this.parts
    const refill = await prepare()
    this.cluster.shutDown('immediate')
    await this.cluster.exited
    network.endConnections()
    this.endStreams()
    await this.cluster.close()
    refill()
    this.cluster = await again()
  }

  async #untilLast(): Promise<number> {
    for (;;) {
      const { cluster } = this
      const code = await cluster.exited
      await this.#restarting
      if (this.cluster === cluster) {
        this.#ended = true
        return code
      }
    }
  }
}
