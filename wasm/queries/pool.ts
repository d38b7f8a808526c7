/**
 * Sessions for queries that come without a connection. One request at a time uses a session, and afterwards the pool resets it. The
 * number of sessions is limited; when all are in use, further requests wait, and get one in the order in which they came.
 */
import type { Session } from './session.js'

export interface PoolOptions {
  /** Sessions at a time. */
  readonly most: number
  /** Milliseconds without use after which a session is closed. */
  readonly idle: number
  /** Milliseconds after its start at which a session is closed. */
  readonly age: number
}

/** How many requests may wait. */
const QUEUE = 1000

interface Member {
  readonly session: Session
  /** Only requests with the same key may use the session. */
  readonly key: string
  timer?: ReturnType<typeof setTimeout> | undefined
}

export class Pool {
  readonly #options: PoolOptions
  /** Sessions that are not in use, in the order of their last use. */
  readonly #idle = new Set<Member>()
  readonly #waiting: (() => void)[] = []
  /** How many sessions are in use, or being opened or reset. */
  #busy = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** How many sessions there are, and how many of them are in use. */
  get size(): { readonly all: number; readonly busy: number } {
    return { all: this.#busy + this.#idle.size, busy: this.#busy }
  }

  /**
   * Calls `use` with a session that no other request uses meanwhile.
   *
   * @param key the session must have been opened with the same key
   * @param open makes another session for this key
   * @throws what `use` or `open` has thrown
   */
  async use<T>(key: string, open: () => Promise<Session>, use: (session: Session) => Promise<T>): Promise<T> {
    const { session } = await this.#take(key, open)
    try {
      return await use(session)
    } finally {
      void this.#giveBack({ session, key })
    }
  }

  close(): void {
    this.#closed = true
    for (const member of [...this.#idle]) this.#remove(member).close()
  }

  async #take(key: string, open: () => Promise<Session>): Promise<Member> {
    for (;;) {
      for (const member of [...this.#idle].reverse()) {
        if (!this.#good(member)) this.#remove(member).close()
        else if (member.key === key) {
          this.#remove(member).wake()
          this.#busy++
          return member
        }
      }
      if (this.#busy < this.#options.most) break
      await this.#turn()
    }
    const [another] = this.#idle
    if (another !== undefined && this.size.all >= this.#options.most) this.#remove(another).close()
    this.#busy++
    try {
      return { key, session: await open() }
    } catch (error) {
      this.#free()
      throw error
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= QUEUE)
      throw Object.assign(new Error('too many queries wait for a session'), { code: '53300' })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  async #giveBack({ session, key }: Member): Promise<void> {
    const member: Member = { session, key }
    try {
      if (session.usable) await session.reset()
      if (!this.#good(member) || this.#closed) session.close()
      else {
        session.rest()
        member.timer = setTimeout(() => this.#remove(member).close(), this.#options.idle)
        session.onEnd = () => this.#remove(member)
        this.#idle.add(member)
      }
    } catch {
      session.close()
    }
    this.#free()
  }

  #free(): void {
    this.#busy--
    this.#waiting.shift()?.()
  }

  #good({ session }: Member): boolean {
    return session.usable && Date.now() - session.born < this.#options.age
  }

  #remove(member: Member): Session {
    clearTimeout(member.timer)
    this.#idle.delete(member)
    member.session.onEnd = () => {}
    return member.session
  }
}
