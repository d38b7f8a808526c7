/** The names of locks (w3.org/TR/web-locks) and of BroadcastChannels, by which the tabs of an origin find each other. */
import { FOLDER } from './storage/browser-volume.js'

export class Names {
  readonly #prefix: string

  /** @throws RangeError if the browser cannot have a directory of that name */
  constructor(readonly cluster: string) {
    if (!/^[^/\\]+$/.test(cluster) || cluster === '.' || cluster === '..')
      throw new RangeError(`the name of a cluster must not be empty or have slashes: "${cluster}"`)
    this.#prefix = `${FOLDER}/${cluster}`
  }

  /** The lock that the owner of the cluster holds. */
  get lock(): string {
    return this.#prefix
  }

  /** The channel of the owner and of all that want to connect. */
  get channel(): string {
    return this.#prefix
  }

  /** The lock that the owner with this id holds as long as it lives, and that of a client. */
  life(id: string): string {
    return `${this.#prefix}/life/${id}`
  }

  /** The channel of a connection. */
  connection(id: string): string {
    return `${this.#prefix}/connection/${id}`
  }
}
