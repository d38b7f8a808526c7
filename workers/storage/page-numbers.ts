/** Numbers of files and of their pages, and the ids of the rows that they are in. */

/** The inode of the root directory. */
export const ROOT = 1

/** Bytes of a page. */
export const PAGE = 8192
/** How many pages a file can have. A page's id is the file's inode times this, plus the page's number in the file. */
export const MOST_PAGES = 2 ** 24

export const idOf = (inode: number, number: number) => inode * MOST_PAGES + number

/** How many pages a file of `size` bytes has. */
export const pagesOf = (size: number) => Math.ceil(size / PAGE)

/**
 * Copies a page's part of the file's bytes from `position` to `end` to `buffer`, where the byte at `position` belongs at `offset`.
 *
 * @param bytes the page, without the zeros at its end
 * @param start where the page begins in the file
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
