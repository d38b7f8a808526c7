/**
 * A file system of our own: the names and what they stand for are kept here, in memory; what files contain, and whatever
 * is to outlive this, is a store's business.
 */
import type { EntryType, FileLayer, FileStatus, OpenFlags } from '../host/file-layer.js'

export interface Node {
  readonly inode: number
  readonly type: EntryType
  mode: number
  /** Bytes. */
  size: number
  /** Names that it has. */
  links: number
  /** Handles that it is open by. */
  opens: number
  /** A directory's entries. */
  readonly entries: Map<string, Node>
  /** Where a link leads. */
  readonly target: string
  /** Milliseconds since 1970. */
  accessed: number
  modified: number
}

/**
 * Keeps a volume's files. Every change is told before it is made in memory, so that a store which throws has prevented
 * it; the error's `code` is what the process sees.
 */
export interface Store {
  /** Within the size of the file, from `position` on, into `buffer` from `offset` on. */
  read(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void
  /** Within the size of the file, as read(). */
  write(node: Node, buffer: Uint8Array, offset: number, length: number, position: number): void
  /** The file is to have this size; what is added is zero. */
  resize(node: Node, size: number): void
  /** A new file consists of these bytes, which nobody changes any more. */
  put(node: Node, content: Uint8Array): void
  /** A node is new, or its mode or times are. A new one may have a size already, with which put() comes next. */
  save(node: Node): void
  addName(directory: Node, name: string, node: Node): void
  removeName(directory: Node, name: string): void
  /** Nobody will ask for this node again. */
  free(node: Node): void
  /** As FileLayer's, for all that was written up to now. */
  sync(): void
}

/** What a store has kept from another time. */
export interface Kept {
  readonly root: Node
  /** No node has a higher inode. */
  readonly lastInode: number
}

export interface Volume {
  /** The volume as one process sees it, with handles of its own. */
  files(): FileLayer
  /** Adds a file of this content, which nobody may change any more; its directory must be there. */
  put(path: string, content: Uint8Array, mode: number): void
}

const TYPE_BITS: Record<EntryType, number> = {
  ...{ file: 0o100000, directory: 0o040000, link: 0o120000, other: 0 },
}
const FIRST_HANDLE = 3
const MAX_LINKS = 40

export class FileError extends Error {
  constructor(
    readonly code: string,
    path: string,
  ) {
    super(`${code}: ${path}`)
  }
}

export function makeNode(inode: number, type: EntryType, mode: number, target = ''): Node {
  const now = Date.now()
  const rest = { size: 0, links: 0, opens: 0, target, accessed: now, modified: now }
  return { inode, type, mode, entries: new Map(), ...rest }
}

interface Open {
  readonly node: Node
  position: number
}

export function volume(store: Store, kept?: Kept): Volume {
  let lastInode = kept?.lastInode ?? 1
  const root = kept?.root ?? makeNode(1, 'directory', 0o755)
  // It has no name, and yet is in use.
  root.links = 1

  function make(path: string, type: EntryType, mode: number, target = '', content?: Uint8Array): Node {
    const place = freePlace(path)
    const node = makeNode(lastInode + 1, type, mode, target)
    node.size = content?.length ?? 0
    store.save(node)
    lastInode++
    if (content !== undefined) store.put(node, content)
    name(place, node)
    return node
  }

  /** The directory that holds the last name of a path, and that name. */
  function parentOf(path: string, links = 0): { parent: Node; name: string } {
    const names = path.split('/').filter(name => name !== '' && name !== '.')
    const name = names.pop() ?? ''
    let parent = root
    const above: Node[] = []
    for (const [i, step] of names.entries()) {
      if (step === '..') {
        parent = above.pop() ?? root
        continue
      }
      const child = parent.entries.get(step)
      if (child === undefined) throw new FileError('ENOENT', path)
      if (child.type === 'link') {
        if (links === MAX_LINKS) throw new FileError('ELOOP', path)
        const here = names.slice(0, i).join('/')
        const target = child.target.startsWith('/') ? child.target : `/${here}/${child.target}`
        return parentOf([target, ...names.slice(i + 1), name].join('/'), links + 1)
      }
      if (child.type !== 'directory') throw new FileError('ENOTDIR', path)
      above.push(parent)
      parent = child
    }
    return { parent, name }
  }

  function find(path: string, followLinks: boolean, links = 0): Node | undefined {
    const { parent, name } = parentOf(path)
    const node = name === '' ? root : parent.entries.get(name)
    if (node?.type !== 'link' || !followLinks) return node
    if (links === MAX_LINKS) throw new FileError('ELOOP', path)
    const folder = path.slice(0, path.lastIndexOf('/'))
    return find(node.target.startsWith('/') ? node.target : `${folder}/${node.target}`, true, links + 1)
  }

  function existing(path: string, followLinks = true): Node {
    const node = find(path, followLinks)
    if (node === undefined) throw new FileError('ENOENT', path)
    return node
  }

  function freePlace(path: string): { parent: Node; name: string } {
    const place = parentOf(path)
    if (place.name === '' || place.parent.entries.has(place.name)) throw new FileError('EEXIST', path)
    return place
  }

  function name(place: { parent: Node; name: string }, node: Node): void {
    store.addName(place.parent, place.name, node)
    place.parent.entries.set(place.name, node)
    place.parent.modified = Date.now()
    node.links++
  }

  function unname(place: { parent: Node; name: string }, node: Node): void {
    store.removeName(place.parent, place.name)
    place.parent.entries.delete(place.name)
    place.parent.modified = Date.now()
    node.links--
    freeIfUnused(node)
  }

  function remove(path: string, directory: boolean): void {
    const place = parentOf(path)
    const node = place.parent.entries.get(place.name)
    if (node === undefined) throw new FileError('ENOENT', path)
    if (directory !== (node.type === 'directory')) throw new FileError(directory ? 'ENOTDIR' : 'EISDIR', path)
    if (directory && node.entries.size > 0) throw new FileError('ENOTEMPTY', path)
    unname(place, node)
  }

  function freeIfUnused(node: Node): void {
    if (node.links === 0 && node.opens === 0) store.free(node)
  }

  function resize(node: Node, size: number): void {
    if (size !== node.size) store.resize(node, size)
    node.size = size
    node.modified = Date.now()
  }

  const status = (node: Node): FileStatus => ({
    mode: TYPE_BITS[node.type] | node.mode,
    size: node.size,
    device: 1,
    inode: node.inode,
    links: node.links,
    blocks: Math.ceil(node.size / 512),
    accessed: node.accessed,
    modified: node.modified,
    changed: node.modified,
  })

  function openNode(path: string, flags: OpenFlags, mode: number): Node {
    const found = find(path, !flags.noFollow)
    if (found?.type === 'link') throw new FileError('ELOOP', path)
    if (found === undefined) {
      if (!flags.create) throw new FileError('ENOENT', path)
      return make(path, 'file', mode)
    }
    if (flags.create && flags.exclusive) throw new FileError('EEXIST', path)
    if (found.type === 'directory' && flags.write) throw new FileError('EISDIR', path)
    if (flags.truncate) resize(found, 0)
    return found
  }

  const files = (): FileLayer => {
    const handles = new Map<number, Open>()
    let nextHandle = FIRST_HANDLE

    function opened(handle: number): Open {
      const open = handles.get(handle)
      if (open === undefined) throw new FileError('EBADF', String(handle))
      return open
    }

    function close(handle: number): void {
      const { node } = opened(handle)
      handles.delete(handle)
      node.opens--
      freeIfUnused(node)
    }

    return {
      open(path, flags, mode) {
        const node = openNode(path, flags, mode)
        node.opens++
        handles.set(nextHandle, { node, position: 0 })
        return nextHandle++
      },
      close,
      read(handle, buffer, offset, length, position) {
        const open = opened(handle)
        const start = position < 0 ? open.position : position
        const count = Math.max(0, Math.min(length, open.node.size - start))
        if (count > 0) store.read(open.node, buffer, offset, count, start)
        if (position < 0) open.position += count
        return count
      },
      write(handle, buffer, offset, length, position) {
        const { node } = opened(handle)
        const start = position < 0 ? node.size : position
        if (start + length > node.size) resize(node, start + length)
        if (length > 0) store.write(node, buffer, offset, length, start)
        node.modified = Date.now()
        return length
      },
      sync: () => store.sync(),
      truncate: (handle, size) => resize(opened(handle).node, size),
      stat: (path, followLinks) => status(existing(path, followLinks)),
      fstat: handle => status(opened(handle).node),
      list(path) {
        const node = existing(path)
        if (node.type !== 'directory') throw new FileError('ENOTDIR', path)
        return [...node.entries].map(([name, { type }]) => ({ name, type }))
      },
      mkdir(path, mode) {
        make(path, 'directory', mode)
      },
      rmdir: path => remove(path, true),
      unlink: path => remove(path, false),
      rename(from, to) {
        const node = existing(from, false)
        const target = find(to, false)
        if (target === node) return
        if (target !== undefined) remove(to, target.type === 'directory')
        name(freePlace(to), node)
        unname(parentOf(from), node)
      },
      link: (from, to) => name(freePlace(to), existing(from)),
      symlink(target, path) {
        make(path, 'link', 0o777, target)
      },
      readlink(path) {
        const node = existing(path, false)
        if (node.type !== 'link') throw new FileError('EINVAL', path)
        return node.target
      },
      chmod(path, mode) {
        const node = existing(path)
        node.mode = mode & 0o7777
        store.save(node)
      },
      chown(path) {
        existing(path) // All files are the same user's.
      },
      utimes(path, accessed, modified) {
        const node = existing(path)
        Object.assign(node, { accessed, modified })
        store.save(node)
      },
      closeAll() {
        for (const handle of [...handles.keys()]) close(handle)
      },
    }
  }

  return {
    files,
    put(path, content, mode) {
      make(path, 'file', mode, '', content)
    },
  }
}
