/**
 * Makes a folder once. It is filled under a temporary name and renamed when complete, so that an interrupted build leaves
 * nothing that looks finished.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Calls `fill` with an empty folder that becomes `folder`, unless that exists. Returns whether it did exist. */
export async function makeOnce(
  folder: string,
  fill: (unfinished: string) => Promise<void>,
): Promise<boolean> {
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date())
    return true
  }
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  await fill(unfinished)
  renameSync(unfinished, folder)
  return false
}

/**
 * Removes folders of the same kind (same name up to the last dash) that have not been used for longest, so that the
 * cache does not grow for ever; the `keep` most recently used stay.
 */
export function removeOldSiblings(folder: string, keep: number): void {
  const prefix = basename(folder).replace(/[^-]*$/, '')
  const parent = dirname(folder)
  readdirSync(parent)
    .filter(name => name.startsWith(prefix) && !name.includes('.'))
    .map(name => join(parent, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .slice(keep)
    .forEach(old => {
      rmSync(old, { recursive: true, force: true })
    })
}
