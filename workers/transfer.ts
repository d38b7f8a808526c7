/** Exports and imports the cluster in an object's storage as one file. */
import type { ServerModule } from '../embedded/server-module.js'
import { exportFiles, importFiles } from '../wasm/cluster/cluster-archive.js'
import { fillObjectCluster, openForExport } from './storage/object-cluster.js'
import type { ObjectStorage } from './storage/object-storage.js'

/**
 * Returns the cluster of a storage as a gzipped tar archive of its data directory, for `importCluster()`, or for
 * `importDataDirectory()` of `pglite-imports-server`. Stop the server first. No server can start on the storage until you have read
 * or cancelled the stream. The stream reads a file when it comes to it, so the cluster may be larger than the memory:
 * `new Response(exportCluster(storage))`.
 *
 * @throws StartupError when a server runs on the storage, or it has no cluster
 */
export function exportCluster(storage: ObjectStorage): ReadableStream<Uint8Array> {
  const { files, release } = openForExport(storage)
  return exportFiles(files, '', release)
}

/**
 * Fills an object's storage from an archive of `exportCluster()`, of `backup()`, or of `exportDataDirectory()` under Node. The cluster is
 * durable when this promise resolves. If it rejects, the storage has nothing of the cluster.
 *
 * @param module what `pglite-imports-server/workers/module` exports: what is as in its template is not written. Without it everything is
 * @throws StartupError when the storage has a cluster already, or the archive holds none that this server can use
 */
export function importCluster(
  storage: ObjectStorage,
  archive: ReadableStream<Uint8Array>,
  module?: ServerModule,
): Promise<void> {
  return fillObjectCluster(storage, files => importFiles(files, '', archive), module)
}
