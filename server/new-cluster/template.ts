/**
 * Makes a new cluster from the template, on which the build has run initdb. That takes a fraction of initdb's time, and the
 * result is as good: each cluster gets a system identifier and secrets of its own.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { identified, newSystemIdentifier } from '../../wasm/cluster/control-file.js'
import { errorCode } from '../../wasm/cluster/startup-error.js'
import { isRelationFile } from '../../wasm/node/shared-files.js'
import { readTemplate } from '../../wasm/node/template.js'
import { isShareable } from '../data-directory/shareable.js'
import { inTimeZone } from './time-zone.js'

/**
 * Unpacks the cluster template into an empty directory.
 *
 * @param directory where PG_VERSION, base, … are to appear; must exist
 * @param ephemeral whether the cluster is to be removed when its server stops; otherwise its files are on disk when this returns
 */
export function unpackTemplate(directory: string, ephemeral: boolean): void {
  const systemIdentifier = newSystemIdentifier()
  const folders = [directory]
  const files: string[] = []
  const shares = (name: string) => isShareable({ ephemeral }) && isRelationFile(`/${name}`)
  for (const { name, read, twin } of readTemplate()) {
    const path = join(directory, name)
    if (read === undefined) {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      folders.push(path)
    } else if (twin === undefined || !shares(name) || !link(join(directory, twin), path)) {
      const own = inTimeZone(name, identified(name, read(), systemIdentifier))
      writeFileSync(path, own, { flag: 'wx', mode: 0o600 })
      files.push(path)
    }
  }
  // After all files are written: the first call makes the system write nearly everything, so the others are fast.
  if (!ephemeral) for (const path of [...files, ...folders]) syncPath(path)
}

/** Returns whether the file has got another name. */
function link(file: string, name: string): boolean {
  try {
    linkSync(file, name)
    return true
  } catch {
    return false // The file system has no links.
  }
}

const WINDOWS = process.platform === 'win32'

/** Makes a file durable, or the names in a directory, which Windows does by itself. */
export function syncPath(path: string): void {
  const fd = openForSync(path)
  try {
    fsyncSync(fd)
  } catch (error) {
    if (!WINDOWS || !fstatSync(fd).isDirectory()) throw error
  } finally {
    closeSync(fd)
  }
}

/** Makes all files in a directory durable. */
export function syncTree(directory: string): void {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(name =>
    join(directory, name),
  )
  for (const file of paths.filter(path => statSync(path).isFile())) syncPath(file)
  for (const folder of paths.filter(path => statSync(path).isDirectory())) syncPath(folder)
  syncPath(directory)
}

/** Windows flushes only files that are open for writing. */
function openForSync(path: string): number {
  return openSync(path, WINDOWS && statSync(path).isFile() ? 'r+' : 'r')
}

/** Makes the names in a directory durable. Does nothing if this process may not read the directory. */
export function syncNames(directory: string): void {
  try {
    syncPath(directory)
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error
  }
}
