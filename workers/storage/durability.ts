/**
 * Who waits for what to be durable. The storage makes everything durable by itself, and in its order; only a client must
 * not hear of what could still be lost.
 */
import type { ObjectStorage } from './object-storage.js'

export class Durability {
  readonly #storage: ObjectStorage
  /** Whether anything was written since sync() was called last. */
  #written = false
  /** Whether sync() was called since durable() looked, and what that waits for. */
  #asked = false
  #syncing: Promise<void> | undefined

  constructor(storage: ObjectStorage) {
    this.#storage = storage
  }

  written(): void {
    this.#written = true
  }

  /** What was written up to now is to be durable before a client is answered. */
  sync(): void {
    this.#asked ||= this.#written
    this.#written = false
  }

  /** Resolves when all is durable that was written before the last sync(); undefined when it is already. */
  durable(): Promise<void> | undefined {
    if (this.#asked) {
      this.#asked = false
      const syncing = this.#storage.sync().finally(() => {
        if (this.#syncing === syncing) this.#syncing = undefined
      })
      this.#syncing = syncing
    }
    return this.#syncing
  }
}
