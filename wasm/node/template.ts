/**
 * Reads the template from template.bin: a data directory on which the build has run initdb.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { fileEntries, HEADER_AT, headerLength, pathInTemplate } from '../cluster/files-bin.js'
import { artefactsFolder } from './artefacts.js'

export interface TemplateEntry {
  /** Path relative to the data directory, with slashes between names. */
  readonly name: string
  /** Reads a file's bytes, which are valid until another file is read; undefined for a directory. */
  readonly read: (() => Buffer) | undefined
  /** The name of an earlier file with the same content. */
  readonly twin: string | undefined
}

/** Yields all directories and files, each directory before its contents. The entries can be read until the next one is taken. */
export function* readTemplate(): Generator<TemplateEntry> {
  const fd = openSync(`${artefactsFolder()}/template.bin`, 'r')
  let room = Buffer.alloc(0)
  const names = new Map<number, string>()
  const read = (at: number, length: number): Buffer => {
    if (room.length < length) room = Buffer.allocUnsafeSlow(length)
    const read = readSync(fd, room, 0, length, at)
    if (read < length) throw new Error(`${artefactsFolder()}/template.bin is incomplete: run "npm run build"`)
    return room.subarray(0, length)
  }
  try {
    const header = read(HEADER_AT, headerLength(read(0, HEADER_AT)))
    for (const { path, content } of fileEntries(header)) {
      const name = pathInTemplate(path).slice(1)
      if (!name) continue
      yield {
        name,
        read: content && (() => read(content.at, content.length)),
        twin: content && names.get(content.at),
      }
      if (content !== undefined) names.set(content.at, name)
    }
  } finally {
    closeSync(fd)
  }
}
