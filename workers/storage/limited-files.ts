/**
 * Files of a cluster whose storage may become full. Then tables and indexes do not grow, which fails the statement with
 * PostgreSQL's own error. Everything else has the rest of the storage: WAL and PostgreSQL's books, without which it could
 * not go on, and what statements need that make room.
 */

import type { FileLayer } from '../../wasm/machine/host/file-layer.js'
import { FileError } from '../../wasm/machine/volume/node.js'

/** Bytes that a table or index can have in any case: TRUNCATE makes new ones, and an index is never without pages. */
const ALWAYS = 64 * 1024

/** What queries spill, as a path in the data directory. */
const SPILLED = /^\/base\/pgsql_tmp\//
/** A table's or index' pages. The maps of free space and of visibility, which VACUUM writes, have a name behind the number. */
const RELATION = /^\/base\/\d+\/(?:t\d+_)?(\d+)(?:\.\d+)?$/
/** Relations of a lower number are catalogs (FirstNormalObjectId). */
const FIRST_NORMAL = 16384
/** pg_largeobject and its index are catalogs only by name. */
const LARGE_OBJECTS = [2613, 2683]

/** How large the file at a path may become when the storage is full, in bytes; undefined if it is not limited. */
function limitOf(path: string): number | undefined {
  if (SPILLED.test(path)) return 0
  const [, digits] = RELATION.exec(path) ?? []
  if (digits === undefined) return undefined
  const number = Number(digits)
  return number < FIRST_NORMAL && !LARGE_OBJECTS.includes(number) ? undefined : ALWAYS
}

/** @param layer with the data directory as its root; its methods must not need `this` */
export function limitedFiles(layer: FileLayer, isFull: () => boolean): FileLayer {
  const limits = new Map<number, number>()
  const requireRoom = (handle: number, size: number) => {
    const limit = limits.get(handle)
    if (limit !== undefined && size > limit && size > layer.fstat(handle).size && isFull())
      throw new FileError('ENOSPC', `${size} bytes`)
  }
  return {
    ...layer,
    open(path, flags, mode) {
      const handle = layer.open(path, flags, mode)
      const limit = limitOf(path)
      if (limit !== undefined) limits.set(handle, limit)
      return handle
    },
    close(handle) {
      limits.delete(handle)
      layer.close(handle)
    },
    write(handle, buffer, offset, length, position) {
      requireRoom(handle, position < 0 ? Number.POSITIVE_INFINITY : position + length)
      return layer.write(handle, buffer, offset, length, position)
    },
    truncate(handle, size) {
      requireRoom(handle, size)
      layer.truncate(handle, size)
    },
  }
}
