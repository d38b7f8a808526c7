/** Makes a cluster, whose server has ended for the moment, what it was when a snapshot was made. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { copyFiles } from '../data-directory/cluster-files.js'
import type { DataDirectory } from '../data-directory/data-directory.js'
import { isLock } from '../data-directory/lock.js'
import { isShareable } from '../data-directory/shareable.js'
import { syncTree } from '../new-cluster/template.js'
import { replaceCluster } from '../new-cluster/whole-or-nothing.js'
import type { ClusterSnapshot } from './options.js'
import { checkSnapshot } from './snapshot.js'

/**
 * Returns a function that does it.
 *
 * @throws StartupError when the snapshot has been removed, or a part of the cluster lies outside its directory
 */
export function restorer(directory: DataDirectory, snapshot: ClusterSnapshot): () => void {
  checkSnapshot(snapshot)
  const { path } = directory
  const outside = linkIn(path)
  if (outside !== undefined)
    throw new StartupError(
      `"${outside}" is a link, and restore() would not change the files behind it: use branch({ snapshot })`,
    )
  const share = isShareable(directory)
  if (!directory.ephemeral)
    return () =>
      replaceCluster(path, coming => {
        copyFiles(snapshot.path, coming, { share })
        syncTree(coming)
      })
  return () => {
    for (const name of readdirSync(path).filter(name => !isLock(name)))
      rmSync(join(path, name), { recursive: true, force: true })
    copyFiles(snapshot.path, path, { share })
  }
}

/** A tablespace, or a folder such as pg_wal, that lies elsewhere. */
function linkIn(path: string): string | undefined {
  return [path, join(path, 'pg_tblspc')]
    .filter(folder => existsSync(folder))
    .flatMap(folder => readdirSync(folder).map(name => join(folder, name)))
    .find(name => lstatSync(name).isSymbolicLink())
}
