/**
 * Sessions for queries that come without a connection. Each is used by one at a time, and then made as new. There are only so many;
 * whoever comes when all are used waits for one, in turn.
 */
import type { Session } from './session.js'

export interface PoolOptions {
  /** Sessions at a time. */
  readonly most: number
  /** Milliseconds after which a session that nobody uses is closed. */
  readonly idle: number
  /** Milliseconds that a session may get old. */
  readonly age: number
}

/** How many may wait. */
const QUEUE = 1000

interface Member {
  readonly session: Session
  /** Who it is for. */
  readonly key: string
  timer?: ReturnType<typeof setTimeout> | undefined
}

export class Pool {
  readonly #options: PoolOptions
  /** The one that was used last comes last. */
  readonly #idle = new Set<Member>()
  readonly #waiting: (() => void)[] = []
  /** Sessions that are used, or being opened or reset. */
  #busy = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Sessions that there are, and how many of them are used. */
  get size(): { readonly all: number; readonly busy: number } {
    return { all: this.#busy + this.#idle.size, busy: this.#busy }
  }

  /**
   * Does something with a session.
   *
   * @param key tells sessions apart that are not the same
   * @param open makes another one
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
