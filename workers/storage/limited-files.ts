/**
 * The files of a cluster whose storage may become full. When it is full, tables and indexes cannot grow, and a statement that needs them
 * to grow fails with PostgreSQL's own error. All other files can still grow, up to the platform's limit: PostgreSQL needs room for WAL
 * and for its own files to go on, and so do statements that free room.
 */
import type { FileLayer } from '../../wasm/machine/host/file-layer.js'
import {
  FirstNormalObjectId,
  LargeObjectLOidPNIndexId,
  LargeObjectRelationId,
} from '../../wasm/machine/postgres-abi.js'
import { FileError } from '../../wasm/machine/volume/node.js'

/** Each table and index can have so many bytes even when the storage is full: TRUNCATE makes new files, and an index always has pages. */
const ALWAYS = 64 * 1024

/** The paths of queries' temporary files in the data directory. */
const SPILLED = /^\/base\/pgsql_tmp\//
/** The paths of tables and indexes. Those of free space maps and visibility maps, which VACUUM writes, do not match. */
const RELATION = /^\/base\/\d+\/(?:t\d+_)?(\d+)(?:\.\d+)?$/
/** pg_largeobject and its index, which hold users' data. All other relations with numbers below FirstNormalObjectId are catalogs. */
const LARGE_OBJECTS: readonly number[] = [LargeObjectRelationId, LargeObjectLOidPNIndexId]

/** The limit in bytes for the file at a path when the storage is full; undefined if it has none. */
function limitOf(path: string): number | undefined {
  if (SPILLED.test(path)) return 0
  const [, digits] = RELATION.exec(path) ?? []
  if (digits === undefined) return undefined
  const number = Number(digits)
  return number < FirstNormalObjectId && !LARGE_OBJECTS.includes(number) ? undefined : ALWAYS
}

/** @param layer has the data directory as its root; its methods must not use `this` */
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
