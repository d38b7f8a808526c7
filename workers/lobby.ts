/**
 * Clients from outside that have not logged in. They are strangers, so they get little: few of them are there at a time, none for
 * long, and when one too many comes the one goes that has been there the longest.
 */
import { SessionRefused } from '../wasm/cluster/session-refused.js'

const CAPACITY = 32

/** Milliseconds from a client's coming until it must have logged in. */
const PATIENCE = 10_000

/** Ends a client, which is told why. */
type Dismiss = (reason: SessionRefused) => void

export class Lobby {
  /** In the order in which they came. */
  readonly #waiting = new Map<object, { readonly timer: ReturnType<typeof setTimeout>; dismiss: Dismiss }>()

  enter(client: object, dismiss: Dismiss): void {
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size >= CAPACITY) this.#dismiss(oldest!, crowded())
    const timer = setTimeout(() => this.#dismiss(client, tooSlow()), PATIENCE)
    this.#waiting.set(client, { timer, dismiss })
  }

  /** It has logged in, or is gone. */
  leave(client: object): void {
    clearTimeout(this.#waiting.get(client)?.timer)
    this.#waiting.delete(client)
  }

  /** Dismisses all of them. */
  close(reason: SessionRefused): void {
    for (const client of [...this.#waiting.keys()]) this.#dismiss(client, reason)
  }

  #dismiss(client: object, reason: SessionRefused): void {
    const { dismiss } = this.#waiting.get(client)!
    this.leave(client)
    dismiss(reason)
  }
}

const crowded = () => new SessionRefused('53300', 'too many clients that have not logged in')

/** In PostgreSQL's words, whose authentication_timeout begins when there is a backend. */
const tooSlow = () => new SessionRefused('57014', 'canceling authentication due to timeout')
