/**
 * Keeps in memory what a data directory has only while a server runs on it: the storage need not have that, and each start would write it
 * anew, in 30 rows.
 */
import type { FileLayer } from '../wasm/machine/host/file-layer.js'
import { mountedFiles } from '../wasm/machine/volume/mounted-files.js'
import { FileError } from '../wasm/machine/volume/node.js'

/** The init file of the relation cache (PostgreSQL's relcache.c). PostgreSQL removes all of them when it starts. */
const INIT_FILE = 'pg_internal.init'

const RUNNING = [
  // The lock of the data directory, for which object-cluster.ts has its own, and the postmaster's command line.
  /^\/postmaster\.(pid|opts)$/,
  // What the postmaster tells its children.
  /^\/pg_stat_tmp\/config_exec_params(\.new)?$/,
  new RegExp(`/${INIT_FILE}(\\.\\d+)?$`),
]

/**
 * @param layer has the data directory as its root
 * @param memory has a directory /tmp
 */
export function runningFilesApart(layer: FileLayer, memory: FileLayer): FileLayer {
  const pathIn = (path: string) =>
    RUNNING.some(pattern => pattern.test(path)) ? `/tmp/${path.slice(1).replaceAll('/', '+')}` : undefined
  const files = mountedFiles(layer, [{ layer: memory, pathIn }])
  return {
    ...files,
    /** A database's directory goes with its init file. */
    rmdir(path) {
      files.rmdir(path)
      try {
        files.unlink(`${path}/${INIT_FILE}`)
      } catch (error) {
        if (!(error instanceof FileError) || error.code !== 'ENOENT') throw error
      }
    },
  }
}
