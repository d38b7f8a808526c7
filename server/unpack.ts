/**
 * Makes a new cluster by unpacking the one that the build has initdb'ed: a fraction of a second instead of running
 * initdb. A cluster made so is as good as one made by initdb: it gets a system identifier and secrets of its own.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { readTemplate } from '../wasm/template.js'
import { identifyControlFile, identifyWal, newSystemIdentifier } from './control-file.js'

/**
 * Unpacks the cluster template into an empty directory.
 *
 * @param directory where PG_VERSION, base, … are to appear; must exist
 * @param durable whether the files must be on disk when this returns
 */
export async function unpackTemplate(directory: string, durable: boolean): Promise<void> {
  const systemIdentifier = newSystemIdentifier()
  const folders = new Set([directory])
  for await (const { name, content } of readTemplate()) {
    const path = join(directory, name)
    if (content === undefined) {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      folders.add(path)
    } else {
      writeFile(path, identified(name, content, systemIdentifier), durable)
    }
  }
  if (durable) folders.forEach(syncDirectory)
}

function identified(name: string, content: Buffer, systemIdentifier: bigint): Buffer {
  if (/(^|\/)global\/pg_control$/.test(name)) return identifyControlFile(content, systemIdentifier)
  if (/(^|\/)pg_wal\/[0-9A-F]{24}$/.test(name)) return identifyWal(content, systemIdentifier)
  return content
}

function writeFile(path: string, content: Buffer, durable: boolean): void {
  const fd = openSync(path, 'wx', 0o600)
  try {
    for (let done = 0; done < content.length; ) done += writeSync(fd, content, done)
    if (durable) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
