/**
 * Lets a cluster that arrives piece by piece lean on the template. It is written into a volume that has the template's files already: of each
 * file only the pages that differ are written, and at the end the template's files that have not come are removed.
 */
import type { FileLayer, OpenFlags } from '../../wasm/machine/host/file-layer.js'
import { FileError } from '../../wasm/machine/volume/node.js'
import { PAGE } from './page-numbers.js'

export interface FilesOnTemplate {
  /** Looks like an empty directory to one that makes directories and writes new files from their beginning to their end. */
  readonly files: FileLayer
  /** Removes the template's files and directories that were not made. */
  complete(): void
}

/** @param layer has the template's files; its methods must not use `this` */
export function filesOnTemplate(layer: FileLayer): FilesOnTemplate {
  const made = new Set<string>()
  const written = new Map<number, number>()
  const files: FileLayer = {
    ...layer,
    mkdir(path, mode) {
      requireNew(made, path)
      if (typeAt(layer, path) !== 'directory') layer.mkdir(path, mode)
      made.add(path)
    },
    open(path, flags, mode) {
      requireNew(made, path)
      const handle = layer.open(path, { ...flags, read: true, exclusive: false } satisfies OpenFlags, mode)
      made.add(path)
      written.set(handle, 0)
      return handle
    },
    write(handle, buffer, offset, length, position) {
      written.set(handle, position + length)
      writeDifferent(layer, handle, buffer.subarray(offset, offset + length), position)
      return length
    },
    close(handle) {
      const size = written.get(handle)
      written.delete(handle)
      if (size !== undefined && layer.fstat(handle).size > size) layer.truncate(handle, size)
      layer.close(handle)
    },
  }
  return { files, complete: () => removeOthers(layer, '', made) }
}

function requireNew(made: ReadonlySet<string>, path: string): void {
  if (made.has(path)) throw new FileError('EEXIST', path)
}

function typeAt(layer: FileLayer, path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  return layer.list(path.slice(0, slash) || '/').find(({ name }) => name === path.slice(slash + 1))?.type
}

/** Writes the pages that differ from what the file has. */
function writeDifferent(layer: FileLayer, handle: number, bytes: Uint8Array, position: number): void {
  const there = new Uint8Array(bytes.length)
  const count = layer.read(handle, there, 0, there.length, position)
  let first = 0
  for (let at = 0; at < bytes.length; at += PAGE) {
    const end = Math.min(at + PAGE, bytes.length)
    if (end > count || !isEqual(bytes, there, at, end)) continue
    if (first < at) layer.write(handle, bytes, first, at - first, position + first)
    first = end
  }
  if (first < bytes.length) layer.write(handle, bytes, first, bytes.length - first, position + first)
}

function isEqual(one: Uint8Array, other: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (one[at] !== other[at]) return false
  return true
}

/** Removes everything below a directory that is not one of these. */
function removeOthers(layer: FileLayer, folder: string, made: ReadonlySet<string>): void {
  for (const { name, type } of layer.list(folder || '/')) {
    const path = `${folder}/${name}`
    if (type === 'directory') removeOthers(layer, path, made)
    if (made.has(path)) continue
    if (type === 'directory') layer.rmdir(path)
    else layer.unlink(path)
  }
}
