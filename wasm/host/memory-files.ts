/** Files in memory: a volatile layer for a cluster that need not outlive its process. */
import type { EntryType, FileLayer, FileStatus, OpenFlags } from './file-layer.js'

interface Node {
  readonly inode: number
  readonly type: EntryType
  mode: number
  /** A file's bytes; what lies behind `size` is room to grow. */
  bytes: Uint8Array
  /** Whether `bytes` are somebody else's: to be copied before they change. */
  borrowed: boolean
  size: number
  /** A directory's entries. */
  readonly entries: Map<string, Node>
  /** Where a link leads. */
  target: string
  accessed: number
  modified: number
}

interface Open {
  readonly node: Node
  readonly append: boolean
  position: number
}

const TYPE_BITS: Record<EntryType, number> = { file: 0o100000, directory: 0o040000, link: 0o120000 }
const FIRST_HANDLE = 3
const MAX_LINKS = 40

class FileError extends Error {
  constructor(
    readonly code: string,
    path: string,
  ) {
    super(`${code}: ${path}`)
  }
}

export interface MemoryVolume {
  /** The volume as one process sees it, with handles of its own. */
  files(): FileLayer
  /** Adds a file of this content, which is not copied until it changes; its directory must be there. */
  put(path: string, content: Uint8Array, mode: number): void
}

export function memoryVolume(): MemoryVolume {
  let inodes = 0
  const make = (type: EntryType, mode: number): Node => ({
    inode: ++inodes,
    type,
    mode,
    bytes: new Uint8Array(0),
    borrowed: false,
    size: 0,
    entries: new Map(),
    target: '',
    accessed: Date.now(),
    modified: Date.now(),
  })
  const root = make('directory', 0o755)

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

  function add(path: string, node: Node): void {
    const { parent, name } = parentOf(path)
    if (name === '' || parent.entries.has(name)) throw new FileError('EEXIST', path)
    parent.entries.set(name, node)
    parent.modified = Date.now()
  }

  function remove(path: string, directory: boolean): void {
    const { parent, name } = parentOf(path)
    const node = parent.entries.get(name)
    if (node === undefined) throw new FileError('ENOENT', path)
    if (directory !== (node.type === 'directory')) throw new FileError(directory ? 'ENOTDIR' : 'EISDIR', path)
    if (directory && node.entries.size > 0) throw new FileError('ENOTEMPTY', path)
    parent.entries.delete(name)
    parent.modified = Date.now()
  }

  /** The bytes of a file that is about to change. */
  function own(node: Node): Uint8Array {
    if (node.borrowed) node.bytes = node.bytes.slice()
    node.borrowed = false
    return node.bytes
  }

  function resize(node: Node, size: number): void {
    if (size > node.bytes.length) {
      const bytes = new Uint8Array(
        Math.max(size, Math.min(2 * node.bytes.length, node.bytes.length + (1 << 20))),
      )
      bytes.set(node.bytes.subarray(0, node.size))
      node.bytes = bytes
      node.borrowed = false
    } else if (size < node.size) own(node).fill(0, size, node.size)
    node.size = size
    node.modified = Date.now()
  }

  const status = (node: Node): FileStatus => ({
    mode: TYPE_BITS[node.type] | node.mode,
    size: node.size,
    device: 1,
    inode: node.inode,
    links: 1,
    blocks: Math.ceil(node.size / 512),
    accessed: node.accessed,
    modified: node.modified,
    changed: node.modified,
  })

  function openNode(path: string, flags: OpenFlags, mode: number): Node {
    const found = find(path, true)
    if (found === undefined) {
      if (!flags.create) throw new FileError('ENOENT', path)
      const node = make('file', mode)
      add(path, node)
      return node
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

    return {
      open(path, flags, mode) {
        const handle = nextHandle++
        handles.set(handle, { node: openNode(path, flags, mode), append: flags.append, position: 0 })
        return handle
      },
      close(handle) {
        opened(handle)
        handles.delete(handle)
      },
      read(handle, buffer, offset, length, position) {
        const open = opened(handle)
        const start = position < 0 ? open.position : position
        const count = Math.max(0, Math.min(length, open.node.size - start))
        buffer.set(open.node.bytes.subarray(start, start + count), offset)
        if (position < 0) open.position += count
        return count
      },
      write(handle, buffer, offset, length, position) {
        const { node } = opened(handle)
        const start = position < 0 ? node.size : position
        if (start + length > node.size) resize(node, start + length)
        own(node).set(buffer.subarray(offset, offset + length), start)
        node.modified = Date.now()
        return length
      },
      sync() {},
      truncate: (handle, size) => resize(opened(handle).node, size),
      stat: (path, followLinks) => status(existing(path, followLinks)),
      fstat: handle => status(opened(handle).node),
      list(path) {
        const node = existing(path)
        if (node.type !== 'directory') throw new FileError('ENOTDIR', path)
        return [...node.entries].map(([name, { type }]) => ({ name, type }))
      },
      mkdir: (path, mode) => add(path, make('directory', mode)),
      rmdir: path => remove(path, true),
      unlink: path => remove(path, false),
      rename(from, to) {
        const node = existing(from, false)
        const target = find(to, false)
        if (target === node) return
        if (target !== undefined) remove(to, target.type === 'directory')
        add(to, node)
        const { parent, name } = parentOf(from)
        parent.entries.delete(name)
      },
      link: (from, to) => add(to, existing(from)),
      symlink(target, path) {
        const node = make('link', 0o777)
        node.target = target
        add(path, node)
      },
      readlink(path) {
        const node = existing(path, false)
        if (node.type !== 'link') throw new FileError('EINVAL', path)
        return node.target
      },
      chmod(path, mode) {
        existing(path).mode = mode & 0o7777
      },
      utimes(path, accessed, modified) {
        Object.assign(existing(path), { accessed, modified })
      },
      closeAll: () => handles.clear(),
    }
  }

  return {
    files,
    put(path, content, mode) {
      const node = make('file', mode)
      add(path, Object.assign(node, { bytes: content, size: content.length, borrowed: true }))
    },
  }
}
