/** Files that nobody can change. */
import type { FileLayer } from '../host/file-layer.js'
import { FileError } from './node.js'

/** @param layer its methods must not use `this` */
export function readOnlyFiles(layer: FileLayer): FileLayer {
  const refuse = (what: string | number) => {
    throw new FileError('EROFS', String(what))
  }
  return {
    ...layer,
    open(path, flags, mode) {
      if (flags.write || flags.create || flags.truncate) refuse(path)
      return layer.open(path, flags, mode)
    },
    write: refuse,
    truncate: refuse,
    mkdir: refuse,
    rmdir: refuse,
    unlink: refuse,
    rename: refuse,
    copy: refuse,
    link: refuse,
    symlink: refuse,
    chmod: refuse,
    chown: refuse,
    utimes: refuse,
  }
}
