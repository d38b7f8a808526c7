/** The server module: what `pglite-imports-server/workers/module` exports and loadModule() fetches. See wasm/build/server-module.ts. */
import { fileEntries, HEADER_AT, headerLength } from '../wasm/cluster/files-bin.js'
import type { Programs } from '../wasm/cluster/programs.js'

/** The compiled modules and files of a server; any number of servers can be made of one. */
export interface ServerModule {
  /** The compiled modules. */
  readonly programs: Programs
  /** files.bin: the server's own files; see wasm/cluster/files-bin.ts. */
  readonly files: ArrayBuffer
  /** template.bin: the files of a new cluster, in the same format. In a Worker's module `archive` has them instead. */
  readonly template?: ArrayBuffer
  /** template.br.bin: the same, compressed by Brotli. A new cluster in an object keeps this, and leaves what is as in the template there. */
  readonly archive?: {
    /** Names the template: no other one has the same. */
    readonly hash: string
    /** The file's. */
    readonly bytes: ArrayBuffer
  }
  /** ICU's data: what `pglite-imports-server/workers/icu` exports. Without it statements that use ICU's collations fail. */
  readonly icu?: ArrayBuffer
  /** The data of glibc's locales: what `pglite-imports-server/workers/locales` exports. Without it their names are refused. */
  readonly locales?: ArrayBuffer
}

export interface ServerFile {
  /** Absolute path. */
  readonly path: string
  /** A file's bytes, a view; undefined for a directory. */
  readonly content: Uint8Array | undefined
}

/**
 * Yields all directories and files, each directory before its contents.
 *
 * @param files files.bin or template.bin
 */
export function* filesIn(files: Uint8Array): Generator<ServerFile> {
  const header = files.subarray(HEADER_AT, HEADER_AT + headerLength(files))
  for (const { path, content } of fileEntries(header))
    yield { path, content: content && files.subarray(content.at, content.at + content.length) }
}
