/**
 * The pages of a volume as they were at one moment. As long as a backup reads them, a page that changes goes into another slot, and nothing
 * is written to the slot that it has left. So they take as much room in the file of pages as changes meanwhile, and no memory. If the browser is killed,
 * the log knows nothing of them, so the slots are free.
 */
import type { Node } from '../../wasm/machine/volume/node.js'
import { ReadOnlyStore } from '../../wasm/machine/volume/read-only-store.js'
import { extentsOf, readExtents } from './extents.js'
import { NOWHERE } from './inodes.js'
import type { SyncFile } from './sync-file.js'

export class FrozenPages extends ReadOnlyStore {
  readonly #pages: SyncFile
  readonly #slots: ReadonlyMap<number, readonly number[]>
  readonly #frozen = new Set<number>()
  /** The slots that pages have left meanwhile. */
  readonly left: number[] = []

  /** @param slots by file, the slots of its pages */
  constructor(pages: SyncFile, slots: ReadonlyMap<number, readonly number[]>) {
    super()
    this.#pages = pages
    this.#slots = slots
    for (const ofFile of slots.values()) for (const slot of ofFile) this.#frozen.add(slot)
    this.#frozen.delete(NOWHERE)
  }

  /** Whether the page in this slot must stay there. */
  has(slot: number): boolean {
    return this.#frozen.has(slot)
  }

  override read({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const slots = this.#slots.get(inode)
    const extents = extentsOf(page => slots?.[page] ?? NOWHERE, position, length)
    readExtents(this.#pages, extents, buffer, offset)
  }
}
