/** Which page of a file is in which row. */

/** Bytes. */
export const PAGE = 8192
/** Of one file. A page's id is the file's inode times this, plus the page's number in the file. */
export const MOST_PAGES = 2 ** 24

export const idOf = (inode: number, number: number) => inode * MOST_PAGES + number

/** How many pages have so many bytes. */
export const pagesOf = (size: number) => Math.ceil(size / PAGE)

/**
 * Copies to `buffer`, from `offset` on, what a page has of the bytes of a file from `position` to `end`.
 *
 * @param bytes the page; those that are zero may be missing at its end
 * @param start where it begins in the file
 */
export function putPage(
  bytes: Uint8Array,
  start: number,
  buffer: Uint8Array,
  offset: number,
  position: number,
  end: number,
): void {
  const from = Math.max(0, position - start)
  const to = Math.min(bytes.length, end - start)
  if (from < to) buffer.set(bytes.subarray(from, to), offset + start + from - position)
}
