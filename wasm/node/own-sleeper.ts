/**
 * How a process waits that is alone on its thread, while the thread reads its client's socket: the process is suspended until this thread
 * or another wakes it. For locks of the kernel's the thread blocks, because these are held for moments.
 */
import { WAIT_TIMED_OUT, WAIT_WOKEN } from '../machine/abi.js'
import type { threadHost } from '../machine/kernel.js'
import type { LinearMemory } from '../machine/memory.js'

export class OwnSleeper {
  readonly #words: Int32Array
  /** Whether the engine watches the process' wake word. It goes on when the process has been woken otherwise. */
  #watching = false
  /** Whether the process has slept since this was last set to false. */
  slept = true
  #wake: ((result: number) => void) | undefined
  /** When the process' sleep ends by itself, on the clock of performance.now(). */
  #due = Number.POSITIVE_INFINITY
  /** It is left to run when the process is woken before, because the next sleep mostly ends later, and to make a timer takes long. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerDue = 0

  /**
   * @param event address of the process' wake word
   * @param blocking how the thread waits for other words
   * @param idle called before the process sleeps; returns whether the thread has nothing to do meanwhile but for its sockets
   */
  constructor(
    readonly event: number,
    memory: LinearMemory,
    readonly blocking: ReturnType<typeof threadHost>,
    readonly idle: () => boolean,
  ) {
    this.#words = new Int32Array(memory.reach(event + Int32Array.BYTES_PER_ELEMENT).buffer)
  }

  /** Sleeps as c/kernel/host.h says. */
  sleep(word: number, expected: number, ms: number, moved: boolean): number | Promise<number> {
    if (word !== this.event) return this.blocking.wait(word, expected, ms)
    this.slept = true
    if (this.idle() && !moved) return this.blocking.wait(word, expected, ms)
    this.#watch()
    // A thread that changes the word after this also notifies it, which ends the watch.
    if (Atomics.load(this.#words, this.event >>> 2) !== expected) return WAIT_WOKEN
    return new Promise(wake => {
      this.#wake = wake
      this.#due = ms > 0 ? performance.now() + ms : Number.POSITIVE_INFINITY
      if (ms === 0) setImmediate(() => this.#end(WAIT_TIMED_OUT))
      else if (ms > 0 && (this.#timer === undefined || this.#timerDue > this.#due)) this.#setTimer(ms)
    })
  }

  notify(word: number): void {
    if (word === this.event) this.#end(WAIT_WOKEN)
    else this.blocking.notify(word)
  }

  /** To be called when the process has ended. */
  close(): void {
    clearTimeout(this.#timer)
    this.blocking.notify(this.event)
  }

  #watch(): void {
    const index = this.event >>> 2
    while (!this.#watching) {
      const waiting = Atomics.waitAsync(this.#words, index, Atomics.load(this.#words, index))
      if (!waiting.async) continue
      this.#watching = true
      void waiting.value.then(() => {
        this.#watching = false
        this.#end(WAIT_WOKEN)
      })
    }
  }

  #setTimer(ms: number): void {
    clearTimeout(this.#timer)
    this.#timerDue = performance.now() + ms
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#wake === undefined || this.#due === Number.POSITIVE_INFINITY) return
      const rest = this.#due - performance.now()
      if (rest > 0) this.#setTimer(rest)
      else this.#end(WAIT_TIMED_OUT)
    }, Math.ceil(ms))
  }

  #end(result: number): void {
    const wake = this.#wake
    if (wake === undefined) return
    this.#wake = undefined
    wake(result)
  }
}
