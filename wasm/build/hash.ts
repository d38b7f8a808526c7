/**
 * Content hashes. A step of the build is skipped when the hash of what went into it is unchanged, whatever the
 * modification times say: a fresh clone has new times and the same content.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** A short hash of any number of strings; the boundaries between them count. */
export function hashOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

/** All files below a folder, as sorted paths relative to it. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(relative(folder, entry.parentPath ?? entry.path), entry.name))
    .sort()
}

/** One hash for the names and contents of files in a folder. */
export function hashOfFiles(folder: string, names: string[]): string {
  return hashOf(...names.flatMap(name => [name, readFileSync(join(folder, name), 'base64')]))
}
