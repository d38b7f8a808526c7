/**
 * The processes that wait in a host of one thread: each until a word of the memory is notified, or until its timeout. They share
 * one timer.
 *
 * A woken process goes on in a microtask. Every WAKES_IN_A_TURN times it goes on in a new turn of the event loop instead, so that
 * processes which wake each other for ever do not keep out events from outside.
 */
import { WAIT_TIMED_OUT, WAIT_WOKEN } from './abi.js'
import type { System } from './host/system.js'
import type { LinearMemory } from './memory.js'

/** After so many wake-ups one goes through the event loop. */
const WAKES_IN_A_TURN = 64

/** A timer's milliseconds have 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1

/** How the processes of a thread wait, and are woken. */
export interface Sleeping {
  /**
   * Sleeps as c/kernel/host.h says.
   *
   * @returns WAIT_WOKEN or WAIT_TIMED_OUT; rejects with the reason given to end()
   */
  sleep(word: number, expected: number, ms: number): number | Promise<number>
  /** Wakes the process that sleeps on this word. */
  notify(word: number): void
  /** Makes sleep() reject with this reason for the process that sleeps on this word. */
  end(word: number, reason: unknown): void
}

interface Sleeper {
  /** By the system's monotonic clock, or Infinity. */
  readonly deadline: number
  wake(result: number): void
  end(reason: unknown): void
}

export class Sleepers implements Sleeping {
  /** By the address of the word that they wait for; each process has its own. */
  readonly #sleepers = new Map<number, Sleeper>()
  #wakes = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When the timer is due; Infinity without one. */
  #due = Number.POSITIVE_INFINITY
  #closed = false
  #resting = false

  constructor(
    readonly memory: LinearMemory,
    readonly system: System,
  ) {}

  sleep(word: number, expected: number, ms: number): number | Promise<number> {
    const address = word >>> 0
    if (this.#closed || this.memory.view(address + 4).getInt32(address, true) !== expected) return WAIT_WOKEN
    const deadline = ms < 0 ? Number.POSITIVE_INFINITY : this.system.monotonic() + ms
    return new Promise((wake, end) => {
      this.#sleepers.set(address, { deadline, wake, end })
      this.#setTimer(deadline)
    })
  }

  notify(word: number): void {
    const address = word >>> 0
    const sleeper = this.#sleepers.get(address)
    if (sleeper === undefined) return
    if (++this.#wakes % WAKES_IN_A_TURN === 0) {
      // It stays among the sleepers, because others may wake or end it before that turn.
      void this.system.nextTurn().then(() => this.#wake(address, sleeper, WAIT_WOKEN))
    } else this.#wake(address, sleeper, WAIT_WOKEN)
  }

  end(word: number, reason: unknown): void {
    const address = word >>> 0
    const sleeper = this.#sleepers.get(address)
    this.#sleepers.delete(address)
    sleeper?.end(reason)
  }

  /**
   * Gives up the timer: until resume() no timeout wakes a sleeper, only others do. While there is no client, timeouts can
   * wait until one connects.
   */
  rest(): void {
    this.#resting = true
    this.#stopTimer()
  }

  /** Sets the timer again. Sleepers that are overdue are woken at once. */
  resume(): void {
    if (!this.#resting) return
    this.#resting = false
    for (const { deadline } of this.#sleepers.values()) this.#setTimer(deadline)
  }

  /** Wakes all. From now on sleep() returns at once. */
  close(): void {
    this.#closed = true
    this.#stopTimer()
    for (const sleeper of this.#sleepers.values()) sleeper.wake(WAIT_WOKEN)
    this.#sleepers.clear()
  }

  #wake(address: number, sleeper: Sleeper, result: number): void {
    if (this.#sleepers.get(address) !== sleeper) return
    this.#sleepers.delete(address)
    sleeper.wake(result)
  }

  /** Makes the timer fire no later than this. */
  #setTimer(deadline: number): void {
    if (deadline >= this.#due || this.#closed || this.#resting) return
    clearTimeout(this.#timer)
    this.#due = deadline
    const ms = Math.min(LONGEST_TIMER, Math.max(0, Math.ceil(deadline - this.system.monotonic())))
    this.#timer = setTimeout(() => this.#ring(), ms)
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#due = Number.POSITIVE_INFINITY
  }

  #ring(): void {
    const now = this.system.monotonic()
    let next = Number.POSITIVE_INFINITY
    this.#due = next
    for (const [address, sleeper] of [...this.#sleepers]) {
      if (sleeper.deadline <= now) this.#wake(address, sleeper, WAIT_TIMED_OUT)
      else next = Math.min(next, sleeper.deadline)
    }
    this.#setTimer(next)
  }
}
