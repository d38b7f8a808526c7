/** Exports and imports a data directory as one file: see cluster-archive.ts. */
import { cp } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { INITIAL_SUPERUSER } from '../../wasm/cluster/superuser.js'
import { nodeFiles } from '../../wasm/node/files.js'
import { posixPath } from '../../wasm/node/paths.js'
import type { MissingExtension } from '../narrow-format/convert.js'
import { syncTree } from '../new-cluster/template.js'
import { startServer } from '../start.js'
import { checkCluster, isCluster, openDataDirectory } from './data-directory.js'
import { holderOf, isLock } from './lock.js'

/**
 * The cluster of a data directory as a gzipped tar archive, for `importDataDirectory()`, or for `importCluster()` of
 * `pglite-imports-server/workers`. Until the stream has been read or cancelled, no server can use the directory.
 *
 * @throws StartupError when a server runs on the directory, or it holds no cluster
 */
export async function exportDataDirectory(dataDir: string): Promise<ReadableStream<Uint8Array>> {
  const path = resolve(dataDir)
  if (!isCluster(path)) throw new StartupError(`"${path}" holds no PostgreSQL cluster`)
  const { exportFiles } = await archives()
  const directory = await openDataDirectory(path)
  return exportFiles(nodeFiles(), posixPath(directory.path), () => directory.release())
}

/** Loaded only by those who need it, as a server's start takes the longer the more code there is. */
const archives = () => import('../../wasm/cluster/cluster-archive.js')

/** The options of importDataDirectory(). */
export interface ImportOptions {
  /** A superuser of the cluster, who converts the files of a 32-bit server. Default: 'postgres'. */
  readonly superuser?: string | undefined
  /** Called with what a person should know: of extensions, for example, that the cluster has and this server does not. */
  readonly onNote?: ((note: string) => void) | undefined
}

/**
 * Makes a data directory from an archive of `exportDataDirectory()`, of `exportCluster()` in a Worker or of PGlite's `dumpDataDir()`, or from
 * another data directory that no server runs on, which stays as it is. Files of PGlite and other 32-bit servers are converted. The cluster is
 * durable when this resolves. If it rejects, nothing of it is left.
 *
 * @param dataDir a directory that is missing or empty
 * @param source the archive, or the path of a data directory
 * @throws StartupError when the directory is not empty, or the source holds no cluster that this server can use
 */
export async function importDataDirectory(
  dataDir: string,
  source: ReadableStream<Uint8Array> | string,
  { superuser = INITIAL_SUPERUSER, onNote = () => {} }: ImportOptions = {},
): Promise<void> {
  const { isNarrowCluster, widenCluster } = await import('../narrow-format/convert.js')
  const { importFiles } = await archives()
  const directory = await openDataDirectory(dataDir, async unpacking => {
    if (typeof source === 'string') await copyFiles(resolve(source), unpacking)
    else await importFiles(nodeFiles(), posixPath(unpacking), source)
    try {
      if (isNarrowCluster(unpacking))
        await widenCluster(unpacking, {
          start: startAlone,
          superuser,
          onMissing: missing => onNote(noteOf(missing)),
        })
      checkCluster(unpacking)
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      const from = typeof source === 'string' ? resolve(source) : 'the archive'
      throw new StartupError(error.message.replace(unpacking, from))
    }
    syncTree(unpacking)
  })
  directory.release()
}

function noteOf({ database, extension }: MissingExtension): string {
  return `database "${database}" has the extension ${extension}, which is not in this package: statements that need it fail; to do without it, execute DROP EXTENSION ${extension} CASCADE in the cluster that you import, before you do`
}

async function copyFiles(source: string, target: string): Promise<void> {
  if (!isCluster(source)) throw new StartupError(`"${source}" holds no PostgreSQL cluster`)
  const holder = await holderOf(source)
  if (holder !== undefined)
    throw new StartupError(
      `data directory "${source}" is in use by another server (PID ${holder.pid}): stop that first`,
      'EBUSY',
    )
  await cp(source, target, {
    recursive: true,
    verbatimSymlinks: true,
    filter: path => !isLock(basename(path)),
  })
}

/** Starts a server that other processes cannot connect to. */
const startAlone = (dataDir: string, settings: Readonly<Record<string, string | number | boolean>>) =>
  startServer({ dataDir, host: '', unixSocketDir: '', settings })
