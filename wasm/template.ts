/**
 * The cluster template: a cluster that the build has initdb'ed, as an archive. Unpacking it takes a fraction of the
 * time of running initdb.
 */
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { artefactsDir } from './artefacts.js'

export interface TemplateEntry {
  /** Relative to the data directory, with slashes, without one at the end. */
  readonly name: string
  /** A file's bytes; undefined for a directory. Entries with the same content share it: copy before changing. */
  readonly content: Buffer | undefined
}

/** Where the template lies. */
const templateFile = `${artefactsDir}cluster.tar.br`

/** All directories and files, every directory before what is in it. */
export async function* readTemplate(file = templateFile): AsyncGenerator<TemplateEntry> {
  const contents = new Map<string, Buffer>()
  const archive = extract()
  archive.end(brotliDecompressSync(readFileSync(file)))
  for await (const entry of archive) {
    const { type, linkname } = entry.header
    const name = entry.header.name.replace(/\/$/, '')
    if (type === 'directory') {
      entry.resume()
      yield { name, content: undefined }
      continue
    }
    const parts: Buffer[] = []
    for await (const part of entry) parts.push(part as Buffer)
    // The archive is in memory already, so most files are one part of it, and need no copy.
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts)
    // A file that equals an earlier one is stored as a link to that.
    const content = type === 'link' ? contents.get(linkname ?? '') : whole
    if (content === undefined) throw new Error(`"${name}" in the cluster template is a link to nothing`)
    contents.set(name, content)
    yield { name, content }
  }
}
