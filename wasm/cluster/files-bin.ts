/**
 * files.bin: all files that the server reads, and the cluster template, in one (wasm/build/bundle.ts makes it).
 *
 * It is the length of a header as 32-bit little-endian number, the header, and the contents. The header is JSON: for each
 * entry its path, and for a file the offset and length of its content. Every directory comes before what is in it, and
 * files with the same content share it.
 */

/** Where the cluster template is in it. */
export const TEMPLATE = '/data'

/** Bytes before the header. */
export const HEADER_AT = 4

export interface ArchiveEntry {
  /** Absolute. */
  readonly path: string
  /** Where a file's bytes are in the archive; undefined for a directory. */
  readonly content: { readonly at: number; readonly length: number } | undefined
}

/** @param head the archive's first bytes, HEADER_AT at least */
export function headerLength(head: Uint8Array): number {
  return new DataView(head.buffer, head.byteOffset).getUint32(0, true)
}

/** @param header as it is in the archive */
export function* archiveEntries(header: Uint8Array): Generator<ArchiveEntry> {
  const contents = HEADER_AT + header.length
  const entries = JSON.parse(new TextDecoder().decode(header)) as [string, number?, number?][]
  for (const [path, offset, length = 0] of entries)
    yield { path, content: offset === undefined ? undefined : { at: contents + offset, length } }
}

/** What is left of a path inside the cluster template, beginning with a slash; undefined if it is not in there. */
export function pathInTemplate(path: string): string | undefined {
  if (path !== TEMPLATE && !path.startsWith(`${TEMPLATE}/`)) return undefined
  return path.slice(TEMPLATE.length)
}
