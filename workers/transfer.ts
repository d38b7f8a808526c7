/** The cluster of an object as one file, to be kept, or moved to another object or to a server under Node. */
import { exportFiles, importFiles } from '../wasm/cluster/cluster-archive.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { fillObjectCluster, openObjectCluster } from './storage/object-cluster.js'
import type { ObjectStorage } from './storage/object-storage.js'

/**
 * The cluster of a storage as a gzipped tar archive of its data directory, which `importCluster()` takes, and
 * `importDataDirectory()` of `pglite-imports-server`. Stop the server before; until the archive has been read or cancelled
 * no other can start. It is read as it is sent, so it may be larger than memory: `new Response(exportCluster(storage))`.
 *
 * @throws StartupError when a server runs on it, or there is no cluster
 */
export function exportCluster(storage: ObjectStorage): ReadableStream<Uint8Array> {
  const { volume, release } = openObjectCluster(storage, () => {
    throw new StartupError("the object's storage has no cluster")
  })
  return exportFiles(volume.files(), '', release)
}

/**
 * Fills an object's storage with the cluster of an archive: of `exportCluster()`, or of `exportDataDirectory()` under Node.
 * It is durable when this resolves; if it fails, nothing is left of it.
 *
 * @throws StartupError when there is a cluster already, or the archive has none that this server can use
 */
export function importCluster(storage: ObjectStorage, archive: ReadableStream<Uint8Array>): Promise<void> {
  return fillObjectCluster(storage, volume => importFiles(volume.files(), '', archive))
}
