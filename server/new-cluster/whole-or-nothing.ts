/**
 * Makes a new cluster in a directory so that, whenever the process is killed, the directory counts as whole or as empty.
 *
 * It is unpacked into a folder inside the directory, which also works if the directory is a mount point. Then its parts
 * are moved up, PG_VERSION last: a directory with that file holds a cluster. If the process is killed before, the folder is
 * left, and tells the next server that the rest may be removed.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { syncNames, syncPath } from './template.js'

/** A directory with this file holds a cluster. */
export const VERSION_FILE = 'PG_VERSION'

/** This folder lies in a directory until its cluster is whole. */
export const UNPACKING = '.unpacking'
/** Parts of a cluster that may lie beside that folder because they have been moved up; PG_VERSION is none of them. */
const UNPACKED = /^(pg_[a-z_]+(\.conf)?|postgresql(\.auto)?\.conf|base|global)$/

/**
 * Lies in the directory of a new cluster until its initialisation has finished. A start that finds it there, because the one before was
 * killed, removes the cluster and makes a new one.
 */
export const INITIALISING = '.initialising'

/** Whether these are the names of files that an interrupted createCluster() has left. */
export function isUnfinished(names: readonly string[]): boolean {
  return names.includes(UNPACKING) && names.every(name => name === UNPACKING || UNPACKED.test(name))
}

/**
 * Removes an unfinished cluster. It removes the folder and the file that mark the cluster as unfinished last, because without them
 * the next server would not know what the rest is.
 *
 * @param keep names of files that are not the cluster's
 */
export function removeUnfinished(path: string, keep: (name: string) => boolean): void {
  const last = [UNPACKING, INITIALISING]
  const names = readdirSync(path).filter(name => !keep(name) && !last.includes(name))
  for (const name of names) rmSync(join(path, name), { recursive: true })
  syncPath(path)
  for (const name of last) rmSync(join(path, name), { recursive: true, force: true })
}

/** To be called when a new cluster is complete. */
export function finishInitialising(path: string): void {
  rmSync(join(path, INITIALISING), { force: true })
  syncPath(path)
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
  // Before any part lies beside the folder: see isUnfinished().
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

/** The files of a snapshot lie here until the cluster has been restored from it; under the first name until all are there. */
const COMING = '.restoring.unfinished'
const RESTORING = '.restoring'

/** Without this folder no server starts, also no native one, so it goes first and comes last. */
const NEEDED = 'global'

/**
 * Replaces a whole cluster, so that it is one or the other, whenever the process is killed: finishReplacing() does the rest before the next
 * start. In between no server starts on the directory.
 *
 * @param fill puts the other cluster's files into a directory, durably
 */
export function replaceCluster(path: string, fill: (directory: string) => void): void {
  const coming = join(path, COMING)
  rmSync(coming, { recursive: true, force: true })
  mkdirSync(coming, { mode: 0o700 })
  try {
    fill(coming)
  } catch (error) {
    rmSync(coming, { recursive: true, force: true })
    throw error
  }
  renameSync(coming, join(path, RESTORING))
  syncPath(path)
  finishReplacing(path)
}

/** Whether replaceCluster() was interrupted when all files were there. */
export function isReplacing(path: string): boolean {
  return existsSync(join(path, RESTORING))
}

/** Finishes what replaceCluster() has begun, or removes what it has left. */
export function finishReplacing(path: string): void {
  rmSync(join(path, COMING), { recursive: true, force: true })
  const restoring = join(path, RESTORING)
  if (!existsSync(restoring)) return
  const names = readdirSync(restoring)
  if (names.includes(NEEDED)) rmSync(join(path, NEEDED), { recursive: true, force: true })
  for (const name of [...names.filter(name => name !== NEEDED), NEEDED]) {
    const from = join(restoring, name)
    if (!existsSync(from)) continue
    // A file takes the place of another, so that there is always one.
    if (statSync(from).isDirectory()) rmSync(join(path, name), { recursive: true, force: true })
    renameSync(from, join(path, name))
    syncPath(path)
  }
  syncPath(path)
  rmSync(restoring, { recursive: true })
}
