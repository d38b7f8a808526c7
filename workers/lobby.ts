/**
 * Clients from outside that have not logged in. They are strangers, so the server gives them little: it holds a few of them at a time,
 * each for a few seconds, and when there is one too many it disconnects the one that has waited longest.
 */
import { SessionRefused } from '../wasm/cluster/session-refused.js'

const CAPACITY = 32

/** Milliseconds that a client has to log in. */
const PATIENCE = 10_000

/** Disconnects a client and tells it the reason. */
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

  /** The client has logged in, or is gone. */
  leave(client: object): void {
    clearTimeout(this.#waiting.get(client)?.timer)
    this.#waiting.delete(client)
  }

  /** Dismisses all clients. */
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

/** The words are PostgreSQL's. Its own authentication_timeout begins later, when there is a backend. */
const tooSlow = () => new SessionRefused('57014', 'canceling authentication due to timeout')
