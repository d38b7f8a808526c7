/** Several layers as one: each has a part of the tree of paths. */
import type { FileLayer } from './file-layer.js'

/** A handle of the whole is a handle of a layer times the number of layers, plus which layer it is. */
const STREAMS = 3

/**
 * @param base has every path that no mount has
 * @param mounts path prefixes without a slash at the end, and the layers that have what lies below
 */
export function mountedFiles(base: FileLayer, mounts: ReadonlyMap<string, FileLayer>): FileLayer {
  const layers = [base, ...mounts.values()]
  const prefixes = [...mounts.keys()]
  const which = (path: string) =>
    1 + prefixes.findIndex(prefix => path === prefix || path.startsWith(`${prefix}/`))
  const of = (path: string): FileLayer => layers[which(path)]!
  const by = (handle: number): FileLayer => layers[(handle - STREAMS) % layers.length]!
  const inner = (handle: number) => Math.floor((handle - STREAMS) / layers.length)
  const both = (from: string, to: string): FileLayer => {
    if (which(from) !== which(to)) throw Object.assign(new Error(`EXDEV: ${from}, ${to}`), { code: 'EXDEV' })
    return of(from)
  }
  return {
    open: (path, flags, mode) => of(path).open(path, flags, mode) * layers.length + which(path) + STREAMS,
    close: handle => by(handle).close(inner(handle)),
    read: (handle, buffer, offset, length, position) =>
      by(handle).read(inner(handle), buffer, offset, length, position),
    write: (handle, buffer, offset, length, position) =>
      by(handle).write(inner(handle), buffer, offset, length, position),
    sync: (handle, dataOnly) => by(handle).sync(inner(handle), dataOnly),
    truncate: (handle, size) => by(handle).truncate(inner(handle), size),
    stat: (path, followLinks) => of(path).stat(path, followLinks),
    fstat: handle => by(handle).fstat(inner(handle)),
    list: path => of(path).list(path),
    mkdir: (path, mode) => of(path).mkdir(path, mode),
    rmdir: path => of(path).rmdir(path),
    unlink: path => of(path).unlink(path),
    rename: (from, to) => both(from, to).rename(from, to),
    link: (from, to) => both(from, to).link(from, to),
    symlink: (target, path) => of(path).symlink(target, path),
    readlink: path => of(path).readlink(path),
    chmod: (path, mode) => of(path).chmod(path, mode),
    utimes: (path, accessed, modified) => of(path).utimes(path, accessed, modified),
    closeAll() {
      for (const layer of layers) layer.closeAll()
    },
  }
}
