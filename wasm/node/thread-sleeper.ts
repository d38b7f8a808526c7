/** Lets one of several processes of a thread wait until a process of this thread or of another one wakes it. */
import { WAIT_TIMED_OUT, WAIT_WOKEN } from '../machine/abi.js'
import type { LinearMemory } from '../machine/memory.js'
import type { Sleeping } from '../machine/sleepers.js'

export class ThreadSleeper implements Sleeping {
  #words: Int32Array
  #end: ((reason: unknown) => void) | undefined

  constructor(readonly memory: LinearMemory) {
    this.#words = new Int32Array(memory.memory.buffer)
  }

  sleep(word: number, expected: number, ms: number): number | Promise<number> {
    const timeout = ms < 0 ? Number.POSITIVE_INFINITY : ms
    const index = this.#index(word)
    const waiting = Atomics.waitAsync(this.#words, index, expected, timeout)
    if (!waiting.async) return outcome(waiting.value)
    return new Promise((wake, end) => {
      this.#end = end
      void waiting.value.then(result => wake(outcome(result)))
    })
  }

  notify(word: number): void {
    const index = this.#index(word)
    Atomics.notify(this.#words, index)
  }

  end(_word: number, reason: unknown): void {
    this.#end?.(reason)
  }

  #index(word: number): number {
    const index = word >>> 2
    if (index >= this.#words.length) {
      this.memory.reach((index + 1) * Int32Array.BYTES_PER_ELEMENT)
      this.#words = new Int32Array(this.memory.memory.buffer)
    }
    return index
  }
}

const outcome = (result: 'ok' | 'not-equal' | 'timed-out') =>
  result === 'timed-out' ? WAIT_TIMED_OUT : WAIT_WOKEN
