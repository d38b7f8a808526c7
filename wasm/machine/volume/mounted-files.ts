/** Several file layers as one, in which each has a part of the tree of paths. */
import type { FileLayer } from '../host/file-layer.js'

/** The first handle. A handle is a layer's own handle times the number of layers, plus the layer's index, plus this. */
const STREAMS = 3

export interface Mount {
  readonly layer: FileLayer
  /** Returns the layer's own path of what is at this path; undefined if that is not in the mount. */
  pathIn(path: string): string | undefined
}

/**
 * A mount of everything at a path and below it.
 *
 * @param at the path, without a slash at the end
 * @param root the layer's own path of that place
 */
export function mountAt(at: string, layer: FileLayer, root = ''): Mount {
  const pathIn = (path: string) =>
    path === at || path.startsWith(`${at}/`) ? root + path.slice(at.length) : undefined
  return { layer, pathIn }
}

/**
 * @param base the layer of all paths that are in no mount
 * @param mounts a path that is in several is in the first of them
 */
export function mountedFiles(base: FileLayer, mounts: readonly Mount[]): FileLayer {
  const places: readonly Mount[] = [...mounts, { layer: base, pathIn: path => path }]
  const which = (path: string) => places.findIndex(({ pathIn }) => pathIn(path) !== undefined)
  const of = (path: string): FileLayer => places[which(path)]!.layer
  const name = (path: string): string => places[which(path)]!.pathIn(path)!
  const by = (handle: number): FileLayer => places[(handle - STREAMS) % places.length]!.layer
  const inner = (handle: number) => Math.floor((handle - STREAMS) / places.length)
  const both = (from: string, to: string): FileLayer => {
    if (which(from) !== which(to)) throw Object.assign(new Error(`EXDEV: ${from}, ${to}`), { code: 'EXDEV' })
    return of(from)
  }
  return {
    open: (path, flags, mode) =>
      of(path).open(name(path), flags, mode) * places.length + which(path) + STREAMS,
    close: handle => by(handle).close(inner(handle)),
    read: (handle, buffer, offset, length, position) =>
      by(handle).read(inner(handle), buffer, offset, length, position),
    write: (handle, buffer, offset, length, position) =>
      by(handle).write(inner(handle), buffer, offset, length, position),
    sync: (handle, dataOnly) => by(handle).sync(inner(handle), dataOnly),
    truncate: (handle, size) => by(handle).truncate(inner(handle), size),
    stat: (path, followLinks) => of(path).stat(name(path), followLinks),
    fstat: handle => by(handle).fstat(inner(handle)),
    list: path => of(path).list(name(path)),
    mkdir: (path, mode) => of(path).mkdir(name(path), mode),
    rmdir: path => of(path).rmdir(name(path)),
    unlink: path => of(path).unlink(name(path)),
    rename: (from, to) => both(from, to).rename(name(from), name(to)),
    copy: (from, to) => both(from, to).copy(name(from), name(to)),
    link: (from, to) => both(from, to).link(name(from), name(to)),
    symlink: (target, path) => of(path).symlink(target, name(path)),
    readlink: path => of(path).readlink(name(path)),
    chmod: (path, mode) => of(path).chmod(name(path), mode),
    chown: (path, owner, group) => of(path).chown(name(path), owner, group),
    utimes: (path, accessed, modified) => of(path).utimes(name(path), accessed, modified),
    closeAll() {
      for (const { layer } of places) layer.closeAll()
    },
  }
}
