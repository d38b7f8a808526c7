/** Copies a cluster into a data directory of its own. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { changesIn, keepTablespacesInside } from '../base-backup/clone.js'
import { copyFiles } from '../data-directory/cluster-files.js'
import { isCluster, openDataDirectory } from '../data-directory/data-directory.js'
import { askHolder, type Holder, holderOf } from '../data-directory/lock.js'
import { syncTree } from '../new-cluster/template.js'
import { copyAtMoment, type RunningSource } from './source.js'

/**
 * Copies a cluster into another data directory, also while a server of this program runs on it, as it is at this moment. The two share blocks
 * where the file system can do that. The copy is whole and durable when this resolves. If it rejects, nothing of it is left.
 *
 * @param dataDir the cluster's directory
 * @param newDir a directory that is missing or empty
 * @returns a line for each setting that matters because the cluster is a copy
 * @throws StartupError when another program runs on the cluster, it is a standby, or `newDir` is not empty
 */
export async function branchDataDirectory(dataDir: string, newDir: string): Promise<readonly string[]> {
  const [path, target] = [resolve(dataDir), resolve(newDir)]
  if (path === target) throw new StartupError(`"${path}" cannot be a copy of itself: name another directory`)
  if (!isCluster(path)) throw new StartupError(`"${path}" holds no PostgreSQL cluster`)
  const holder = await holderOf(path)
  return holder === undefined ? branchOfStopped(path, target) : branchOfRunning(path, target, holder)
}

async function branchOfRunning(
  path: string,
  target: string,
  { pid, host, lock }: Holder,
): Promise<readonly string[]> {
  if (host !== undefined)
    throw new StartupError(
      `the server on "${path}" runs on another machine, "${host}", with PID ${pid}: run this command there`,
    )
  if (lock === undefined)
    throw new StartupError(
      `the server on "${path}" (PID ${pid}) is another program: copy its cluster by "pglite-imports-server clone"`,
    )
  return askHolder(path, lock, { branch: target })
}

async function branchOfStopped(path: string, target: string): Promise<readonly string[]> {
  const signal = ['standby.signal', 'recovery.signal'].find(name => existsSync(join(path, name)))
  if (signal !== undefined)
    throw new StartupError(
      `the cluster in "${path}" is a standby: make a branch of its primary, or promote it`,
    )
  const original = await openDataDirectory(path)
  try {
    return await fill(target, async copy => copyFiles(path, copy, { share: false }))
  } finally {
    original.release()
  }
}

/** What a server does that is asked for a branch. */
export async function answerBranch(source: RunningSource, target: string): Promise<readonly string[]> {
  return fill(target, copy => copyAtMoment(source, copy, false))
}

async function fill(target: string, copyTo: (copy: string) => Promise<void>): Promise<readonly string[]> {
  const directory = await openDataDirectory(target, async copy => {
    await copyTo(copy)
    keepTablespacesInside(copy)
    syncTree(copy)
  })
  directory.release()
  return changesIn(directory.path, false)
}
