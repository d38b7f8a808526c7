/**
 * Who waits for what to be durable. The storage makes everything durable by itself, and in its order; only a client must
 * not hear of what could still be lost, or is lost already.
 */
import type { Changes } from './changes.js'
import type { ObjectStorage } from './object-storage.js'

/** Milliseconds after which it is looked again whether all is there, before a client hears of what has changed nothing. */
const LOOK_INTERVAL = 100

export class Durability {
  readonly #storage: ObjectStorage
  readonly #changes: Changes
  readonly #isInTransaction: () => boolean
  /** Whether anything was written since sync() was called last. */
  #written = false
  /** Whether sync() was called since durable() looked, and what that waits for. */
  #asked = false
  #syncing: Promise<void> | undefined
  #looked = 0

  /** @param isInTransaction whether there is an open transaction of the storage, which takes along what is written when it fails */
  constructor(storage: ObjectStorage, changes: Changes, isInTransaction: () => boolean) {
    this.#storage = storage
    this.#changes = changes
    this.#isInTransaction = isInTransaction
  }

  written(): void {
    this.#written = true
  }

  /** What was written up to now is to be durable before a client is answered. */
  sync(): void {
    this.#asked ||= this.#written
    this.#written = false
  }

  /**
   * Resolves when all is durable that was written before the last sync(); undefined when it is already. Rejects when it cannot
   * become durable, or is gone.
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

const gone = () => new Error('the storage is not as it was left')
