/** Limits how often a client can try passwords: after some failures, its address has to wait until one of them is forgotten. */

/** Failures that an address may have, and milliseconds after which one of them is forgotten. */
const MOST = 10
const FORGET = 6000

/** Addresses that are remembered; the one that has failed the longest ago is forgotten first. */
const ADDRESSES = 1000

export class FailureLimit {
  /** By address, when all of its failures will be forgotten. */
  readonly #until = new Map<string, number>()

  /** Whether an address has to wait. An unknown address (undefined) never has to. */
  exceeded(address: string | undefined): boolean {
    return address !== undefined && this.#left(address) > (MOST - 1) * FORGET
  }

  failed(address: string | undefined): void {
    if (address === undefined) return
    const until = Date.now() + this.#left(address) + FORGET
    this.#until.delete(address)
    this.#until.set(address, until)
    const [first] = this.#until.keys()
    if (this.#until.size > ADDRESSES) this.#until.delete(first!)
  }

  #left(address: string): number {
    return Math.max(0, (this.#until.get(address) ?? 0) - Date.now())
  }
}
