/** Who is connected, and whether nobody has been for a while. */
import type { SessionRefused } from '../wasm/cluster/session-refused.js'

/** Ends a client; it is told the reason where there is one that its backend cannot tell. */
type End = (reason?: SessionRefused) => void

export class Clients {
  /** What ends each of them when the server has. */
  readonly #open = new Map<object, End>()
  /** Those of them that are not there for the time. */
  readonly #resting = new Set<object>()
  readonly #patience: number
  readonly #onIdle: () => void
  #lingering: ReturnType<typeof setTimeout> | undefined
  #ended = false

  /**
   * @param patience milliseconds without clients after which `onIdle` is called, each time that the last one has gone, and
   *   at first as if one just had
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

  /** A client stays, but is not there until it wakes. */
  rest(client: object): void {
    if (!this.#open.has(client)) return
    this.#resting.add(client)
    this.#linger()
  }

  wake(client: object): void {
    this.#resting.delete(client)
    clearTimeout(this.#lingering)
  }

  /** The server has ended, and they with it. */
  finish(reason?: SessionRefused): void {
    for (const end of [...this.#open.values()]) end(reason)
  }

  /** There will be no server any more. */
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
