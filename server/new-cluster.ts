/**
 * Makes a new cluster, so that a directory has all of it or nothing.
 *
 * It is unpacked into a folder inside the directory, which also works if the directory is a mount point. Then its parts
 * are moved up, PG_VERSION last: a directory with that file holds a cluster. If the process is killed before, the folder is
 * left, and tells the next server that the rest may be removed.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { syncNames, syncPath } from './unpack.js'

/** A directory with this file holds a cluster. */
export const VERSION_FILE = 'PG_VERSION'

/** This folder lies in a directory until its cluster is whole. */
export const UNPACKING = '.unpacking'
/** Parts of a cluster that may lie beside that folder because they have been moved up; PG_VERSION is none of them. */
const UNPACKED = /^(pg_[a-z_]+(\.conf)?|postgresql(\.auto)?\.conf|base|global)$/

/** Whether these are the names of files that an interrupted createCluster() has left. */
export function isUnfinished(names: readonly string[]): boolean {
  return names.includes(UNPACKING) && names.every(name => name === UNPACKING || UNPACKED.test(name))
}

/** Removes those files; the folder last, because without it nobody could tell what the rest is. */
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
  // The directory's own name must be durable, too: everything that commits will be in it.
  syncNames(dirname(path))
  renameSync(join(unpacking, VERSION_FILE), join(path, VERSION_FILE))
  syncPath(path)
  rmSync(unpacking, { recursive: true })
}
