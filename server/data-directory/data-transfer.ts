/** Exports and imports a data directory as one file: see cluster-archive.ts. */
import { resolve } from 'node:path'
import { exportFiles, importFiles } from '../../wasm/cluster/cluster-archive.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { nodeFiles } from '../../wasm/node/files.js'
import { posixPath } from '../../wasm/node/paths.js'
import { syncTree } from '../new-cluster/template.js'
import { checkCluster, isCluster, openDataDirectory } from './data-directory.js'

/**
 * The cluster of a data directory as a gzipped tar archive, for `importDataDirectory()`, or for `importCluster()` of
 * `pglite-imports-server/workers`. Until the stream has been read or cancelled, no server can use the directory.
 *
 * @throws StartupError when a server runs on the directory, or it holds no cluster
 */
export async function exportDataDirectory(dataDir: string): Promise<ReadableStream<Uint8Array>> {
  const path = resolve(dataDir)
  if (!isCluster(path)) throw new StartupError(`"${path}" holds no PostgreSQL cluster`)
  const directory = await openDataDirectory(path)
  return exportFiles(nodeFiles(), posixPath(directory.path), () => directory.release())
}

/**
 * Makes a data directory from an archive of `exportDataDirectory()`, or of `exportCluster()` in a Worker. The cluster is durable
 * when this resolves. If it rejects, nothing of it is left.
 *
 * @param dataDir a directory that is missing or empty
 * @throws StartupError when the directory is not empty, or the archive holds no cluster that this server can use
 */
export async function importDataDirectory(
  dataDir: string,
  archive: ReadableStream<Uint8Array>,
): Promise<void> {
  const directory = await openDataDirectory(dataDir, async unpacking => {
    await importFiles(nodeFiles(), posixPath(unpacking), archive)
    try {
      checkCluster(unpacking)
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      throw new StartupError(error.message.replace(unpacking, 'the archive'))
    }
    syncTree(unpacking)
  })
  directory.release()
}
