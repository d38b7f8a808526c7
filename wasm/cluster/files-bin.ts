/**
 * files.bin and template.bin: all files that the server reads, and those of a new cluster, each in one file. wasm/build/server-module.ts makes
 * them.
 *
 * Such a file consists of the length of a header as a 32-bit little-endian number, the header, and the contents. The header is JSON: for each
 * entry its path, and for a file the offset and length of its content. Each directory comes before its contents, and
 * files with the same content share it.
 */

/** The path of the template's files in template.bin. */
export const TEMPLATE = '/data'

/** Bytes before the header. */
export const HEADER_AT = 4

export interface FileEntry {
  /** Absolute path. */
  readonly path: string
  /** Offset and length of a file's bytes; undefined for a directory. */
  readonly content: { readonly at: number; readonly length: number } | undefined
}

/** @param head the first bytes of such a file, at least HEADER_AT */
export function headerLength(head: Uint8Array): number {
  return new DataView(head.buffer, head.byteOffset).getUint32(0, true)
}

/** @param header the bytes of the header */
export function* fileEntries(header: Uint8Array): Generator<FileEntry> {
  const contents = HEADER_AT + header.length
  const entries = JSON.parse(new TextDecoder().decode(header)) as [string, number?, number?][]
  for (const [path, offset, length = 0] of entries)
    yield { path, content: offset === undefined ? undefined : { at: contents + offset, length } }
}

/** The path in template.bin relative to the data directory: '' or with a slash at the beginning. */
export function pathInTemplate(path: string): string {
  return path.slice(TEMPLATE.length)
}
