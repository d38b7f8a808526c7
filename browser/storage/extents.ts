/** Where the bytes of a file are in the file of pages. */
import { NOWHERE, PAGE } from './inodes.js'
import { readAll, type SyncFile } from './sync-file.js'

/** Bytes that belong together in the file of pages. */
export interface Extent {
  /** Where they are; undefined if they are zeros that are nowhere. */
  readonly at: number | undefined
  readonly length: number
}

/**
 * Yields where these bytes of a file are, in as few pieces as possible.
 *
 * @param slotOf the slot of each page
 */
export function* extentsOf(
  slotOf: (page: number) => number,
  position: number,
  length: number,
): Generator<Extent> {
  const end = position + length
  for (let start = position; start < end; ) {
    let page = Math.floor(start / PAGE)
    const slot = slotOf(page)
    const first = page
    const next = () => (slot === NOWHERE ? NOWHERE : slot + page + 1 - first)
    while ((page + 1) * PAGE < end && slotOf(page + 1) === next()) page++
    const stop = Math.min(end, (page + 1) * PAGE)
    const at = slot === NOWHERE ? undefined : slot * PAGE + (start % PAGE)
    yield { at, length: stop - start }
    start = stop
  }
}

/** Reads these bytes into `buffer` from `offset` on. @throws FileError */
export function readExtents(
  pages: SyncFile,
  extents: Iterable<Extent>,
  buffer: Uint8Array,
  offset: number,
): void {
  let done = offset
  for (const { at, length } of extents) {
    const part = buffer.subarray(done, done + length)
    if (at === undefined) part.fill(0)
    else readAll(pages, part, at)
    done += length
  }
}
