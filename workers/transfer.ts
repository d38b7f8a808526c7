/** Exports and imports the cluster of an object as one file. */
import { exportFiles, importFiles } from '../wasm/cluster/cluster-archive.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { fillObjectCluster, openObjectCluster } from './storage/object-cluster.js'
import type { ObjectStorage } from './storage/object-storage.js'

/**
 * The cluster of a storage as a gzipped tar archive of its data directory, for `importCluster()`, or for
 * `importDataDirectory()` of `pglite-imports-server`. Stop the server before. Until the stream has been read or cancelled, no server
 * can start on the storage. Files are read while the stream is read, so the cluster may be larger than memory:
 * `new Response(exportCluster(storage))`.
 *
 * @throws StartupError when a server runs on the storage, or it has no cluster
 */
export function exportCluster(storage: ObjectStorage): ReadableStream<Uint8Array> {
  const { volume, release } = openObjectCluster(storage, () => {
    throw new StartupError("the object's storage has no cluster")
  })
  return exportFiles(volume.files(), '', release)
}

/**
 * Fills an object's storage from an archive of `exportCluster()`, or of `exportDataDirectory()` under Node. The cluster is durable
 * when this resolves. If it rejects, nothing of it is left.
 *
 * @throws StartupError when the storage has a cluster already, or the archive holds none that this server can use
 */
export function importCluster(storage: ObjectStorage, archive: ReadableStream<Uint8Array>): Promise<void> {
  return fillObjectCluster(storage, volume => importFiles(volume.files(), '', archive))
}
