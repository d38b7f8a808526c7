/** Who is connected. While nobody is, a server has no timers. */
import type { Coroutines } from '../wasm/machine/coroutines.js'

/** Milliseconds after which timers are given up when the last client has gone: for what it did to be written and flushed. */
const LINGER = 1000

export class Clients {
  /** What ends each of them when the server has. */
  readonly #open = new Map<object, () => void>()
  #ended = false
  #lingering: ReturnType<typeof setTimeout> | undefined

  constructor(readonly processes: Coroutines) {
    this.#linger()
  }

  add(client: object, end: () => void): void {
    this.#open.set(client, end)
    this.wake()
  }

  remove(client: object): void {
    this.#open.delete(client)
    this.#linger()
  }

  /** There is something to do, whether or not anybody is connected. */
  wake(): void {
    clearTimeout(this.#lingering)
    this.processes.resume()
  }

  /** The server has ended. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#lingering)
    for (const end of [...this.#open.values()]) end()
  }

  #linger(): void {
    clearTimeout(this.#lingering)
    if (!this.#ended && this.#open.size === 0)
      this.#lingering = setTimeout(() => this.processes.rest(), LINGER)
  }
}
