/**
 * Decides which answers wait for the storage. The storage makes all writes durable by itself, and in their order. But a client must not
 * get an answer about a write that the storage could still lose, or has lost.
 */
import type { Changes } from './changes.js'
import type { ObjectStorage } from './object-storage.js'

/** An answer after which nothing was written waits for a new check of the storage, if the last check is so many milliseconds old. */
const LOOK_INTERVAL = 100

export class Durability {
  readonly #storage: ObjectStorage
  readonly #changes: Changes
  readonly #isInTransaction: () => boolean
  /** Whether the server has written anything since the last sync(). */
  #written = false
  /** Whether sync() was called since the last durable(), and the promise that durable() returns meanwhile. */
  #asked = false
  #syncing: Promise<void> | undefined
  #looked = 0

  /** @param isInTransaction whether the storage has an open transaction, which undoes the server's writes too if it fails */
  constructor(storage: ObjectStorage, changes: Changes, isInTransaction: () => boolean) {
    this.#storage = storage
    this.#changes = changes
    this.#isInTransaction = isInTransaction
  }

  written(): void {
    this.#written = true
  }

  /** What the server has written until now must be durable before a client gets an answer. */
  sync(): void {
    this.#asked ||= this.#written
    this.#written = false
  }

  /**
   * Resolves when all writes before the last sync() are durable; returns undefined when they are already. Rejects when they cannot
   * become durable, or are lost.
   */
  durable(): Promise<void> | undefined {
    if (this.#asked) {
      this.#asked = false
      const syncing = this.#sync().finally(() => {
        if (this.#syncing === syncing) this.#syncing = undefined
      })
      this.#syncing = syncing
    }
    if (this.#syncing !== undefined) return this.#syncing
    const now = Date.now()
    if (now - this.#looked > LOOK_INTERVAL) {
      this.#looked = now
      this.#changes.look()
    }
    return this.#changes.intact ? undefined : Promise.reject(gone())
  }

  async #sync(): Promise<void> {
    if (this.#isInTransaction()) this.#changes.lose('in transaction')
    else await this.#storage.sync()
    this.#changes.look()
    if (!this.#changes.intact) throw gone()
  }
}

const gone = () => new Error('the storage has lost writes of the server')
