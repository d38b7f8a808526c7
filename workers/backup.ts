/** Backs an object's cluster up while its server is in use, and restores the object's storage to an earlier moment. */
import { takeSnapshot } from '../embedded/backup.js'
import type { OnDemandServer } from '../embedded/on-demand.js'
import { archiveLength, archiveOf, exportFiles } from '../wasm/cluster/cluster-archive.js'
import type { ObjectStorage } from './storage/object-storage.js'

/** The options of `backup()`. */
export interface BackupOptions {
  /** Whether to compress the archive by gzip; then its length is not known in advance. Default: no. */
  compress?: boolean | undefined
}

/** The stub of another object, whose class has a method that passes the archive to importCluster(). */
export interface CopyTarget {
  /** Makes a cluster of an archive, by importCluster(). */
  importCluster(archive: ReadableStream<Uint8Array>): Promise<unknown>
}

/** The platform's class for a stream whose reader knows the length in advance. */
declare const FixedLengthStream: new (length: number) => ReadableWritablePair<Uint8Array, Uint8Array>

export class Backups {
  readonly #server: OnDemandServer
  readonly #storage: ObjectStorage | undefined

  constructor(server: OnDemandServer, storage: ObjectStorage | undefined) {
    this.#server = server
    this.#storage = storage
  }

  async backup({ compress = false }: BackupOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const { snapshot, done } = await takeSnapshot(this.#server)
    const { files } = snapshot
    const check = () => snapshot.check()
    if (compress) return exportFiles(files, '', done, check)
    return archiveOf(files, '', done, check).pipeThrough(new FixedLengthStream(archiveLength(files, '')))
  }

  async copyTo(target: CopyTarget): Promise<void> {
    await target.importCluster(await this.backup())
  }

  async restoreTo(moment: Date | string): Promise<string> {
    const storage = this.#storage
    if (storage?.getBookmarkForTime === undefined || storage.onNextSessionRestoreBookmark === undefined)
      throw new Error('the cluster is not in a storage with bookmarks')
    const bookmark = typeof moment === 'string' ? moment : await storage.getBookmarkForTime(moment)
    // If this fails, the server goes on.
    const undo = await storage.onNextSessionRestoreBookmark(bookmark)
    await this.#server.stop('fast')
    return undo
  }
}
