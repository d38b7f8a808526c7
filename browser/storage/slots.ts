/** The slots of the file of pages: which of them are free. A slot has one page. */
export class Slots {
  /** Free slots below the end, the lowest last. */
  readonly #free: number[] = []
  /** Slots that no page is in any more. But the durable log may still say that one is, so nothing may be written to them yet. */
  #released: number[] = []
  /** There is no slot with this number or a higher one. */
  #end: number

  /** @param used slots that have a page */
  constructor(used: Iterable<number>) {
    const all = new Set(used)
    this.#end = 0
    for (const slot of all) this.#end = Math.max(this.#end, slot + 1)
    for (let slot = this.#end - 1; slot >= 0; slot--) if (!all.has(slot)) this.#free.push(slot)
  }

  /** Takes a free slot. */
  take(): number {
    return this.#free.pop() ?? this.#end++
  }

  /** Gives back a slot that take() has returned and the log does not know of. */
  giveBack(slot: number): void {
    this.#free.push(slot)
  }

  /** To be called when a page has left its slot. */
  release(slots: readonly number[]): void {
    for (const slot of slots) this.#released.push(slot)
  }

  get released(): number {
    return this.#released.length
  }

  /** Undoes release() until there are only so many released slots. */
  keepReleased(count: number): void {
    this.#released.length = count
  }

  /** To be called when the log is durable. */
  logged(): void {
    for (const slot of this.#released) this.#free.push(slot)
    this.#released = []
  }
}
