/**
 * Makes a new cluster, so that a directory has all of it or nothing.
 *
 * It is unpacked into a folder inside the directory, which also works where the directory is a mount point, and its parts
 * are then moved up, PG_VERSION last: that file is what makes a directory a cluster. Whoever is killed before leaves the
 * folder, by which the next one knows that the rest may go.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { syncNames, syncPath } from './unpack.js'

/** What makes a directory a cluster. */
export const VERSION_FILE = 'PG_VERSION'

/** What lies in a directory until its cluster is whole. */
export const UNPACKING = '.unpacking'
/** What of a cluster may lie beside that folder: parts moved up, but never PG_VERSION. */
const UNPACKED = /^(pg_[a-z_]+(\.conf)?|postgresql(\.auto)?\.conf|base|global)$/

/** Whether these are the names of what somebody has left who was killed before the cluster was whole. */
export function isUnfinished(names: readonly string[]): boolean {
  return names.includes(UNPACKING) && names.every(name => name === UNPACKING || UNPACKED.test(name))
}

/** Removes it. The folder goes last, for without it the rest would look like something else. */
export function removeUnfinished(path: string): void {
  const parts = readdirSync(path).filter(name => UNPACKED.test(name))
  for (const name of parts) rmSync(join(path, name), { recursive: true })
  syncPath(path)
  rmSync(join(path, UNPACKING), { recursive: true })
}

/**
 * Makes a cluster in an empty directory.
 *
 * @param fill puts a cluster's files into a directory, durably
 */
export async function createCluster(path: string, fill: (directory: string) => Promise<void>): Promise<void> {
  chmodSync(path, 0o700)
  const unpacking = join(path, UNPACKING)
  mkdirSync(unpacking, { mode: 0o700 })
  try {
    await fill(unpacking)
  } catch (error) {
    rmSync(unpacking, { recursive: true, force: true })
    throw error
  }
  // Before any part is beside it: see isUnfinished().
  syncPath(path)
  for (const name of readdirSync(unpacking).filter(name => name !== VERSION_FILE))
    renameSync(join(unpacking, name), join(path, name))
  syncPath(path)
  // Whatever will be acknowledged is in this directory, so its own name must be durable, too.
  syncNames(dirname(path))
  renameSync(join(unpacking, VERSION_FILE), join(path, VERSION_FILE))
  syncPath(path)
  rmSync(unpacking, { recursive: true })
}
