/** The files of a cluster, with a call for each write to its WAL: as long as there is none, no session has committed anything. */
import { DATA } from '../embedded/files.js'
import type { FileLayer } from '../wasm/machine/host/file-layer.js'

const WAL = `${DATA}/pg_wal/`

/** @param layer the files; its methods must not use `this` */
export function watchedWal(layer: FileLayer, onWrite: () => void): FileLayer {
  const segments = new Set<number>()
  return {
    ...layer,
    open(path, flags, mode) {
      const handle = layer.open(path, flags, mode)
      if (path.startsWith(WAL)) segments.add(handle)
      return handle
    },
    close(handle) {
      segments.delete(handle)
      layer.close(handle)
    },
    write(handle, buffer, offset, length, position) {
      if (segments.has(handle)) onWrite()
      return layer.write(handle, buffer, offset, length, position)
    },
  }
}
