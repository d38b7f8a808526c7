/**
 * Makes a new cluster by unpacking the one that the build has initdb'ed: a fraction of a second instead of running
 * initdb. A cluster made so is as good as one made by initdb: it gets a system identifier and secrets of its own.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { clusterTemplate } from './artefacts.js'
import { identifyControlFile, identifyWal, newSystemIdentifier } from './control-file.js'

/**
 * Unpacks the template into an empty directory.
 *
 * @param directory where PG_VERSION, base, … are to appear; must exist
 * @param durable whether the files must be on disk when this returns
 */
export async function unpackTemplate(directory: string, durable: boolean): Promise<void> {
  const systemIdentifier = newSystemIdentifier()
  const contents = new Map<string, Buffer>()
  const folders = [directory]

  const archive = extract()
  archive.end(brotliDecompressSync(readFileSync(clusterTemplate)))
  for await (const entry of archive) {
    const { name, type, linkname } = entry.header
    const path = join(directory, name)
    if (type === 'directory') {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      folders.push(path)
      entry.resume()
      continue
    }
    // A file that equals an earlier one is stored as a link to that, and becomes a copy of it.
    const parts: Buffer[] = []
    for await (const part of entry) parts.push(part as Buffer)
    const content = type === 'link' ? contents.get(linkname!) : Buffer.concat(parts)
    if (content === undefined) throw new Error(`"${name}" in the template is a link to nothing`)
    contents.set(name, content)
    writeFile(path, identified(name, content, systemIdentifier), durable)
  }
  if (durable) folders.forEach(syncDirectory)
}

function identified(name: string, content: Buffer, systemIdentifier: bigint): Buffer {
  if (name.endsWith('global/pg_control')) identifyControlFile(content, systemIdentifier)
  if (/pg_wal\/[0-9A-F]{24}$/.test(name)) identifyWal(content, systemIdentifier)
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
