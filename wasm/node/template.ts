/**
 * The cluster template: a cluster that the build has initdb'ed, in the archive of all files. Unpacking it takes a fraction of
 * the time of running initdb.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { archiveEntries, HEADER_AT, headerLength, pathInTemplate } from '../cluster/files-bin.js'
import { artefactsDir } from './artefacts.js'

export interface TemplateEntry {
  /** Relative to the data directory, with slashes, without one at the end. */
  readonly name: string
  /** A file's bytes, until the next entry is asked for; undefined for a directory. */
  readonly content: Buffer | undefined
}

/** All directories and files, every directory before what is in it. Memory is used for one file at a time. */
export function* readTemplate(): Generator<TemplateEntry> {
  const fd = openSync(`${artefactsDir}files.bin`, 'r')
  let room = Buffer.alloc(0)
  const read = (at: number, length: number): Buffer => {
    if (room.length < length) room = Buffer.allocUnsafeSlow(length)
    const read = readSync(fd, room, 0, length, at)
    if (read < length)
      throw new Error(`${artefactsDir}files.bin has been cut off: build it by "npm run build"`)
    return room.subarray(0, length)
  }
  try {
    const header = read(HEADER_AT, headerLength(read(0, HEADER_AT)))
    for (const { path, content } of archiveEntries(header)) {
      const name = pathInTemplate(path)?.slice(1)
      if (name) yield { name, content: content && read(content.at, content.length) }
    }
  } finally {
    closeSync(fd)
  }
}
