/** What a cluster was at one moment: a copy of its files that no server runs on. */
import { existsSync } from 'node:fs'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { createEphemeralDirectory } from '../data-directory/ephemeral.js'
import { isShareable } from '../data-directory/shareable.js'
import type { ClusterSnapshot } from './options.js'
import { copyAtMoment, type RunningSource } from './source.js'

export async function snapshotOf(source: RunningSource): Promise<ClusterSnapshot> {
  const { path, release } = await createEphemeralDirectory(directory =>
    copyAtMoment(source, directory, isShareable(source.directory)),
  )
  const remove = async () => release()
  return { path, remove, [Symbol.asyncDispose]: remove }
}

/** @throws StartupError when it has been removed */
export function checkSnapshot({ path }: ClusterSnapshot): void {
  if (!existsSync(path)) throw new StartupError(`the snapshot in "${path}" has been removed`)
}
