/**
 * Files of a cluster whose storage may become full. Then tables and indexes do not grow, which fails the statement with
 * PostgreSQL's own error, while there is still room for its WAL and its books, without which it could not go on.
 */
import type { FileLayer } from '../../wasm/machine/host/file-layer.js'
import { FileError } from '../../wasm/machine/volume/node.js'

/** Tables and indexes, by their numbers, and what queries spill, as paths in the data directory. */
const LIMITED = /^\/base\/(\d+\/t?\d|pgsql_tmp\/)/

/** @param layer with the data directory as its root; its methods must not need `this` */
export function limitedFiles(layer: FileLayer, isFull: () => boolean): FileLayer {
  const limited = new Set<number>()
  const requireRoom = (handle: number, size: number) => {
    if (limited.has(handle) && size > layer.fstat(handle).size && isFull())
      throw new FileError('ENOSPC', `${size} bytes`)
  }
  return {
    ...layer,
    open(path, flags, mode) {
      const handle = layer.open(path, flags, mode)
      if (LIMITED.test(path)) limited.add(handle)
      return handle
    },
    close(handle) {
      limited.delete(handle)
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
