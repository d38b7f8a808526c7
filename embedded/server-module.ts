/** The server module: what `pglite-imports-server/workers/module` exports and loadModule() fetches. See wasm/build/server-module.ts. */
import { fileEntries, HEADER_AT, headerLength } from '../wasm/cluster/files-bin.js'
import type { Programs } from '../wasm/cluster/programs.js'

/** The compiled modules and files of a server; any number of servers can be made of one. */
export interface ServerModule {
  /** The compiled modules. */
  readonly programs: Programs
  /** files.bin: the server's files and the template; see wasm/cluster/files-bin.ts. */
  readonly files: ArrayBuffer
  /**
   * The template alone. A new cluster in an object keeps this archive, and leaves what is as in the template there. Without it, a new cluster
   * keeps everything itself.
   */
  readonly template?: {
    /** Names the template: no other one has the same. */
    readonly hash: string
    /** The template in the format of files.bin, compressed by gzip. */
    readonly archive: ArrayBuffer
  }
  /** ICU's data: what `pglite-imports-server/workers/icu` exports. Without it statements that use ICU's collations fail. */
  readonly icu?: ArrayBuffer
  /** The data of glibc's locales: what `pglite-imports-server/workers/locales` exports. Without it their names are refused. */
  readonly locales?: ArrayBuffer
}

export interface ServerFile {
  /** Absolute path. */
  readonly path: string
  /** A file's bytes, a view into files.bin; undefined for a directory. */
  readonly content: Uint8Array | undefined
}

/** Yields all directories and files in files.bin, each directory before its contents. */
export function* filesIn(files: ArrayBuffer): Generator<ServerFile> {
  const header = new Uint8Array(files, HEADER_AT, headerLength(new Uint8Array(files)))
  for (const { path, content } of fileEntries(header))
    yield { path, content: content && new Uint8Array(files, content.at, content.length) }
}
