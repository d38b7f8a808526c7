/** Removes folders for which nobody waits. */
import { readdirSync, rmSync, unlinkSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Takes a folder to be removed. */
export type Discard = (folder: string) => void

/** Milliseconds after which others on this thread get their turn. */
const SLICE = 2

/** Removes a folder of files, with pauses in which this thread does other things. What cannot be removed stays. */
export async function remove(folder: string): Promise<void> {
  try {
    let until = performance.now() + SLICE
    for (const name of readdirSync(folder)) {
      unlinkSync(`${folder}/${name}`)
      if (performance.now() < until) continue
      await nextTurn()
      until = performance.now() + SLICE
    }
    rmSync(folder, { recursive: true })
  } catch {
    // Whoever removes the cluster removes the rest.
  }
}
