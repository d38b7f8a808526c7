/**
 * A gate that all changes of a cluster's files pass. Whoever closes it sees the files as they are between two system calls: what a server
 * finds that starts after this one was killed. All threads of a server share the gate.
 *
 * Each thread has a seat, a word that says whether the thread is changing a file. Who closes the gate waits until all seats are
 * empty. When a thread ends, however it ends, the main thread empties its seat and opens the gate if that thread held it.
 */

/** The word with the seat of the holder plus one; 0 while the gate is open. */
const HOLDER = 0
/** How often all files may have got other names, in other clusters. */
const SHARED = 1
/** The highest seat that a thread has had. */
const HIGHEST = 2
const COUNTERS = 16
const COUNTER_COUNT = 256
const SEATS = COUNTERS + COUNTER_COUNT
const SEAT_COUNT = 2048
/** Words from one seat to the next: a processor's cache keeps 64 bytes together, and threads on others would wait for them. */
const STRIDE = 16

/** The values of a seat. */
const FREE = 0
const EMPTY = 1
const CHANGING = 2

/** The main thread's seat. */
export const MAIN_SEAT = 0

/** Milliseconds between two looks of the main thread, which must not block: it may have to empty a seat. */
const LOOK = 1

export class FileGate {
  readonly #word: number

  /** @param words the same memory in all threads; see newGate() */
  constructor(
    readonly words: Int32Array,
    readonly seat: number,
  ) {
    this.#word = wordOf(seat)
  }

  /** Runs a function that changes files. It must not call change() or alone(). */
  change<T>(work: () => T): T {
    this.#enter()
    try {
      return work()
    } finally {
      this.#leave()
    }
  }

  /** Runs a function while no other thread changes files. */
  alone<T>(work: () => T): T {
    for (let holder = this.#take(); holder !== 0; holder = this.#take())
      Atomics.wait(this.words, HOLDER, holder)
    try {
      for (let seat = this.#occupied(); seat !== undefined; seat = this.#occupied())
        Atomics.wait(this.words, wordOf(seat), CHANGING)
      return work()
    } finally {
      this.#open()
    }
  }

  /** The same for the main thread, which learns meanwhile that threads have ended. Without threads the function runs at once. */
  async aloneInMain<T>(work: () => T): Promise<T> {
    while (this.#take() !== 0) await pause()
    try {
      while (this.#occupied() !== undefined) await pause()
      return work()
    } finally {
      this.#open()
    }
  }

  /** Gives a thread a seat. To be called by the main thread. */
  newSeat(): number {
    for (let seat = MAIN_SEAT + 1; seat < SEAT_COUNT; seat++) {
      if (Atomics.load(this.words, wordOf(seat)) !== FREE) continue
      Atomics.store(this.words, wordOf(seat), EMPTY)
      if (seat > Atomics.load(this.words, HIGHEST)) Atomics.store(this.words, HIGHEST, seat)
      return seat
    }
    throw new Error('there are too many threads')
  }

  /** Takes the seat of a thread that has ended. To be called by the main thread. */
  freeSeat(seat: number): void {
    Atomics.store(this.words, wordOf(seat), FREE)
    Atomics.notify(this.words, wordOf(seat))
    if (Atomics.load(this.words, HOLDER) === seat + 1) this.#open()
  }

  /** To be called while the gate is closed, when any file may have got another name. */
  sharedAll(): void {
    Atomics.add(this.words, SHARED, 1)
  }

  /** Goes up when any file of the cluster may have got another name. */
  get sharedCount(): number {
    return Atomics.load(this.words, SHARED)
  }

  /** The word of a path for changes(); several paths may have the same. */
  counterOf(path: string): number {
    let hash = 0
    for (let i = 0; i < path.length; i++) hash = (Math.imul(hash, 31) + path.charCodeAt(i)) | 0
    return COUNTERS + ((hash >>> 0) % COUNTER_COUNT)
  }

  /** Goes up when the path's file has got another name, or another file has got the path. */
  changes(counter: number): number {
    return Atomics.load(this.words, counter)
  }

  changed(counter: number): void {
    Atomics.add(this.words, counter, 1)
  }

  #enter(): void {
    for (;;) {
      Atomics.store(this.words, this.#word, CHANGING)
      const holder = Atomics.load(this.words, HOLDER)
      if (holder === 0) return
      this.#leave()
      Atomics.wait(this.words, HOLDER, holder)
    }
  }

  #leave(): void {
    Atomics.store(this.words, this.#word, EMPTY)
    if (Atomics.load(this.words, HOLDER) !== 0) Atomics.notify(this.words, this.#word)
  }

  /** Closes the gate. Returns 0, or the holder if it is closed. */
  #take(): number {
    return Atomics.compareExchange(this.words, HOLDER, 0, this.seat + 1)
  }

  #open(): void {
    Atomics.store(this.words, HOLDER, 0)
    Atomics.notify(this.words, HOLDER)
  }

  /** The seat of a thread that is changing a file. */
  #occupied(): number | undefined {
    const highest = Atomics.load(this.words, HIGHEST)
    for (let seat = 0; seat <= highest; seat++)
      if (Atomics.load(this.words, wordOf(seat)) === CHANGING) return seat
    return undefined
  }
}

function wordOf(seat: number): number {
  return SEATS + seat * STRIDE
}

/** The memory of a new gate, which is open. */
export function newGate(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(wordOf(SEAT_COUNT) * Int32Array.BYTES_PER_ELEMENT))
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, LOOK))
}
