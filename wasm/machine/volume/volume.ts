/**
 * A file system. It keeps directories, names and attributes in memory. A store keeps the contents of files, and what has to outlive
 * the host.
 */
import { S_IFDIR, S_IFLNK, S_IFREG } from '../abi.js'
import type { EntryType, FileLayer, FileStatus, OpenFlags } from '../host/file-layer.js'
import { FileError, type Node } from './node.js'
import { OpenFiles } from './open-files.js'
import type { Kept, Store } from './store.js'
import { Tree } from './tree.js'

export interface Volume {
  /** The volume as one process sees it, with handles of its own. */
  files(): FileLayer
  /** Adds a file with this content, which the caller must not change any more. Its directory must exist. */
  put(path: string, content: Uint8Array, mode: number): void
  /** Its directories, names and attributes as they are now, which do not change with it. */
  copyOfTree(): Kept
}

const TYPE_BITS: Record<EntryType, number> = {
  ...{ file: S_IFREG, directory: S_IFDIR, link: S_IFLNK, other: 0 },
}
const PERMISSION_BITS = 0o7777

export function volume(store: Store, kept?: Kept): Volume {
  const tree = new Tree(store, kept)
  return {
    files: () => layerOf(tree, new OpenFiles(store)),
    put(path, content, mode) {
      tree.make(path, { type: 'file', mode, content })
    },
    copyOfTree: () => tree.copyOfNodes(),
  }
}

function layerOf(tree: Tree, files: OpenFiles): FileLayer {
  return {
    open: (path, flags, mode) => files.open(nodeToOpen(tree, path, flags, mode), flags.truncate),
    close: handle => files.close(handle),
    read: (handle, buffer, offset, length, position) => files.read(handle, buffer, offset, length, position),
    write: (handle, buffer, offset, length, position) =>
      files.write(handle, buffer, offset, length, position),
    sync: () => files.sync(),
    truncate: (handle, size) => files.truncate(handle, size),
    stat: (path, followLinks) => statusOf(tree.existing(path, followLinks)),
    fstat: handle => statusOf(files.node(handle)),
    list(path) {
      const node = tree.existing(path)
      if (node.type !== 'directory') throw new FileError('ENOTDIR', path)
      return [...node.entries].map(([name, { type }]) => ({ name, type }))
    },
    mkdir(path, mode) {
      tree.make(path, { type: 'directory', mode })
    },
    rmdir: path => tree.remove(path, true),
    unlink: path => tree.remove(path, false),
    rename: (from, to) => tree.rename(from, to),
    copy: (from, to) => tree.copy(from, to),
    link: (from, to) => tree.link(from, to),
    symlink(target, path) {
      tree.make(path, { type: 'link', mode: 0o777, target })
    },
    readlink(path) {
      const node = tree.existing(path, false)
      if (node.type !== 'link') throw new FileError('EINVAL', path)
      return node.target
    },
    chmod: (path, mode) => tree.change(path, { mode: mode & PERMISSION_BITS }),
    chown(path) {
      tree.existing(path) // All files belong to the same user.
    },
    utimes: (path, accessed, modified) => tree.change(path, { accessed, modified }),
    closeAll: () => files.closeAll(),
  }
}

function nodeToOpen(tree: Tree, path: string, flags: OpenFlags, mode: number): Node {
  const found = tree.find(path, !flags.noFollow)
  if (found === undefined) {
    if (!flags.create) throw new FileError('ENOENT', path)
    return tree.make(path, { type: 'file', mode })
  }
  if (flags.create && flags.exclusive) throw new FileError('EEXIST', path)
  if (found.type === 'link') throw new FileError('ELOOP', path)
  if (found.type === 'directory' && flags.write) throw new FileError('EISDIR', path)
  return found
}

function statusOf(node: Node): FileStatus {
  return {
    mode: TYPE_BITS[node.type] | node.mode,
    size: node.size,
    device: 1,
    inode: node.inode,
    links: node.links,
    blocks: Math.ceil(node.size / 512),
    accessed: node.accessed,
    modified: node.modified,
    changed: node.modified,
  }
}
