/** A copy of a whole cluster, which shares the blocks of its files with the original where the file system allows it. */
import { constants } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { errorCode } from '../../wasm/cluster/startup-error.js'
import { checkCluster, type DataDirectory, openDataDirectory } from './data-directory.js'
import { isLock } from './lock.js'

/** How often to try a directory that is in use, and the milliseconds between two tries. */
const TRIES = 50
const INTERVAL = 100

/**
 * Copies a data directory into an empty directory.
 *
 * @throws StartupError when a server runs on the original, or it holds no cluster that this server can use
 */
export async function copyCluster(original: string, directory: string): Promise<void> {
  checkCluster(resolve(original))
  const { path, release } = await openWhenFree(original)
  try {
    await cp(path, directory, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      filter: name => !isLock(basename(name)),
    })
  } finally {
    release()
  }
}

/** Locks the original. Another process that copies it as well may hold the lock for a moment. */
async function openWhenFree(original: string): Promise<DataDirectory> {
  for (let tries = 1; ; tries++) {
    try {
      return await openDataDirectory(original)
    } catch (error) {
      if (errorCode(error) !== 'EBUSY' || tries === TRIES) throw error
      await setTimeout(INTERVAL)
    }
  }
}
