/** Knows which clients are connected, and notices when none has been for a while. */
import type { SessionRefused } from '../wasm/cluster/session-refused.js'

/** Ends a client's connection; `reason` is an error for the client, where its backend cannot send it. */
type End = (reason?: SessionRefused) => void

export class Clients {
  /** By client, the function that ends its connection when the server has ended. */
  readonly #open = new Map<object, End>()
  /** Those of them that count as not connected for the time. */
  readonly #resting = new Set<object>()
  readonly #patience: number
  readonly #onIdle: () => void
  #lingering: ReturnType<typeof setTimeout> | undefined
  #ended = false

  /**
   * @param patience milliseconds from when the last client has gone until `onIdle` is called; they first run from now
   */
  constructor(patience: number, onIdle: () => void) {
    this.#patience = patience
    this.#onIdle = onIdle
    this.#linger()
  }

  get none(): boolean {
    return this.#open.size === this.#resting.size
  }

  add(client: object, end: End): void {
    this.#open.set(client, end)
    clearTimeout(this.#lingering)
  }

  remove(client: object): void {
    this.#resting.delete(client)
    if (this.#open.delete(client)) this.#linger()
  }

  /** A client stays connected, but counts as not connected until it wakes. */
  rest(client: object): void {
    if (!this.#open.has(client)) return
    this.#resting.add(client)
    this.#linger()
  }

  wake(client: object): void {
    this.#resting.delete(client)
    clearTimeout(this.#lingering)
  }

  /** The server has ended: ends all connections. */
  finish(reason?: SessionRefused): void {
    for (const end of [...this.#open.values()]) end(reason)
  }

  /** The server has stopped for good: ends all connections, and never calls `onIdle` again. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#lingering)
    this.finish()
  }

  #linger(): void {
    clearTimeout(this.#lingering)
    if (!this.#ended && this.none) this.#lingering = setTimeout(this.#onIdle, this.#patience)
  }
}
