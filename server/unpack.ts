/**
 * Makes a new cluster by unpacking the one that the build has initdb'ed: a fraction of a second instead of running
 * initdb. A cluster made so is as good as one made by initdb: it gets a system identifier and secrets of its own.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identified, newSystemIdentifier } from '../wasm/cluster/control-file.js'
import { errorCode } from '../wasm/cluster/startup-error.js'
import { readTemplate } from '../wasm/node/template.js'

/**
 * Unpacks the cluster template into an empty directory.
 *
 * @param directory where PG_VERSION, base, … are to appear; must exist
 * @param durable whether the files must be on disk when this returns
 */
export function unpackTemplate(directory: string, durable: boolean): void {
  const systemIdentifier = newSystemIdentifier()
  const folders = [directory]
  const files: string[] = []
  for (const { name, content } of readTemplate()) {
    const path = join(directory, name)
    if (content === undefined) {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      folders.push(path)
    } else {
      writeFileSync(path, identified(name, content, systemIdentifier), { flag: 'wx', mode: 0o600 })
      files.push(path)
    }
  }
  // Once all is written: the first call makes the system write nearly everything, and the others find it done.
  if (durable) for (const path of [...files, ...folders]) syncPath(path)
}

/** Makes a file durable, or the names in a directory. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes the names in a directory durable, unless it is one that may be passed through but not read. */
export function syncNames(directory: string): void {
  try {
    syncPath(directory)
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error
  }
}
