/** All that a server consists of, as `pglite-imports-server/workers/module` exports it and loadModule() fetches it: see wasm/build/bundle.ts. */
import type { Programs } from '../wasm/artefacts.js'

export interface Bundle {
  readonly programs: Programs
  /** files.bin: all files, in one. */
  readonly files: ArrayBuffer
}

export interface BundledFile {
  /** Absolute. */
  readonly path: string
  /** A file's bytes, a view into the bundle; undefined for a directory. */
  readonly content: Uint8Array | undefined
}

/** All directories and files, every directory before what is in it. */
export function* bundledFiles(files: ArrayBuffer): Generator<BundledFile> {
  const length = new DataView(files).getUint32(0, true)
  const header = new TextDecoder().decode(new Uint8Array(files, 4, length))
  for (const [path, offset, size] of JSON.parse(header) as [string, number?, number?][]) {
    const content = offset === undefined ? undefined : new Uint8Array(files, 4 + length + offset, size)
    yield { path, content }
  }
}
