/** All that a server consists of, as `pglite-imports-server/workers/module` exports it and loadModule() fetches it: see wasm/build/bundle.ts. */
import { archiveEntries, HEADER_AT, headerLength } from '../wasm/cluster/files-bin.js'
import type { Programs } from '../wasm/cluster/programs.js'

export interface Bundle {
  readonly programs: Programs
  /** files.bin: all files, in one. */
  readonly files: ArrayBuffer
  /** ICU's data, which only its collations need: `pglite-imports-server/workers/icu`. Without it these end in an error. */
  readonly icu?: ArrayBuffer
}

export interface BundledFile {
  /** Absolute. */
  readonly path: string
  /** A file's bytes, a view into the bundle; undefined for a directory. */
  readonly content: Uint8Array | undefined
}

/** All directories and files, every directory before what is in it. */
export function* bundledFiles(files: ArrayBuffer): Generator<BundledFile> {
  const header = new Uint8Array(files, HEADER_AT, headerLength(new Uint8Array(files)))
  for (const { path, content } of archiveEntries(header))
    yield { path, content: content && new Uint8Array(files, content.at, content.length) }
}
