/** A volume's directories, and the names in them. */
import type { EntryType } from '../host/file-layer.js'
import { FileError, makeNode, type Node } from './node.js'
import type { Kept, Store } from './store.js'

const MAX_LINKS = 40

/** The place that a path names. */
interface Place {
  /** The directories on the way, from the root on. The last one has the name. */
  readonly directories: readonly Node[]
  /** Empty if the path is the last directory itself, as "/" and "/base/.." are. */
  readonly name: string
  readonly node: Node | undefined
}

interface NewNode {
  readonly type: EntryType
  readonly mode: number
  readonly target?: string
  readonly content?: Uint8Array
  /** A file whose content this one is to have. */
  readonly copied?: Node
}

const stepsOf = (path: string) => path.split('/').filter(step => step !== '' && step !== '.')

const directoryOf = ({ directories }: Place): Node => directories.at(-1)!

export class Tree {
  readonly #store: Store
  readonly #root: Node
  #lastInode: number

  constructor(store: Store, kept?: Kept) {
    this.#store = store
    this.#root = kept?.root ?? makeNode(1, 'directory', 0o755)
    // The root has no name, but must not be freed.
    this.#root.links = 1
    this.#lastInode = kept?.lastInode ?? this.#root.inode
  }

  find(path: string, followLinks: boolean): Node | undefined {
    return this.#place(path, followLinks).node
  }

  existing(path: string, followLinks = true): Node {
    const node = this.find(path, followLinks)
    if (node === undefined) throw new FileError('ENOENT', path)
    return node
  }

  make(path: string, { type, mode, target, content, copied }: NewNode): Node {
    const place = this.#freePlace(path)
    const node = makeNode(this.#lastInode + 1, type, mode, target)
    node.size = content?.length ?? copied?.size ?? 0
    this.#store.atomically(() => {
      this.#store.save(node)
      if (content !== undefined) this.#store.put(node, content)
      if (copied !== undefined) this.#store.copy(copied, node)
      this.#store.addName(directoryOf(place), place.name, node)
    })
    this.#lastInode = node.inode
    enter(place, node)
    return node
  }

  copy(from: string, to: string): void {
    const copied = this.existing(from)
    if (copied.type === 'directory') throw new FileError('EISDIR', from)
    this.make(to, { type: 'file', mode: copied.mode, copied })
  }

  link(from: string, to: string): void {
    const node = this.existing(from)
    const place = this.#freePlace(to)
    this.#store.addName(directoryOf(place), place.name, node)
    enter(place, node)
  }

  remove(path: string, directory: boolean): void {
    const place = this.#place(path, false)
    const node = removable(path, place, directory)
    this.#store.atomically(() => this.#forget(place, node))
    leave(place, node)
  }

  rename(from: string, to: string): void {
    const source = this.#place(from, false)
    const node = named(from, source)
    const target = this.#place(to, false)
    if (target.node === node) return
    if (target.directories.includes(node)) throw new FileError('EINVAL', to)
    const replaced = target.node && removable(to, target, node.type === 'directory')
    this.#store.atomically(() => {
      if (replaced !== undefined) this.#forget(target, replaced)
      this.#store.addName(directoryOf(target), target.name, node)
      this.#store.removeName(directoryOf(source), source.name)
    })
    if (replaced !== undefined) leave(target, replaced)
    enter(target, node)
    leave(source, node)
  }

  /** Changes a node's mode or times. */
  change(path: string, attributes: Partial<Pick<Node, 'mode' | 'accessed' | 'modified'>>): void {
    const node = this.existing(path)
    this.#store.save({ ...node, ...attributes })
    Object.assign(node, attributes)
  }

  copyOfNodes(): Kept {
    const copies = new Map<Node, Node>()
    const copyOf = (node: Node): Node => {
      const copy = copies.get(node) ?? { ...node, opens: 0, entries: new Map() }
      if (copies.has(node)) return copy
      copies.set(node, copy)
      for (const [name, child] of node.entries) copy.entries.set(name, copyOf(child))
      return copy
    }
    return { root: copyOf(this.#root), lastInode: this.#lastInode }
  }

  #place(path: string, followLinks: boolean): Place {
    const directories = [this.#root]
    let steps = stepsOf(path)
    for (let links = 0; ; ) {
      const directory = directories.at(-1)!
      const name = steps.shift()
      if (name === undefined) return { directories, name: '', node: directory }
      if (name === '..') {
        if (directories.length > 1) directories.pop()
        continue
      }
      const node = directory.entries.get(name)
      const last = steps.length === 0
      if (node?.type === 'link' && (followLinks || !last)) {
        if (links++ === MAX_LINKS) throw new FileError('ELOOP', path)
        if (node.target.startsWith('/')) directories.length = 1
        steps = [...stepsOf(node.target), ...steps]
        continue
      }
      if (last) return { directories, name, node }
      if (node === undefined) throw new FileError('ENOENT', path)
      if (node.type !== 'directory') throw new FileError('ENOTDIR', path)
      directories.push(node)
    }
  }

  #freePlace(path: string): Place {
    const place = this.#place(path, false)
    if (place.node !== undefined) throw new FileError('EEXIST', path)
    return place
  }

  /** Removes a name from the store, and the node if that was its last name and it is not open. */
  #forget(place: Place, node: Node): void {
    this.#store.removeName(directoryOf(place), place.name)
    if (node.links === 1 && node.opens === 0) this.#store.free(node)
  }
}

function named(path: string, { name, node }: Place): Node {
  if (node === undefined) throw new FileError('ENOENT', path)
  if (name === '') throw new FileError('EBUSY', path)
  return node
}

/** The node at a place, if it can be removed: an empty directory if `directory`, else anything but a directory. */
function removable(path: string, place: Place, directory: boolean): Node {
  const node = named(path, place)
  if (directory !== (node.type === 'directory')) throw new FileError(directory ? 'ENOTDIR' : 'EISDIR', path)
  if (node.entries.size > 0) throw new FileError('ENOTEMPTY', path)
  return node
}

function enter(place: Place, node: Node): void {
  directoryOf(place).entries.set(place.name, node)
  directoryOf(place).modified = Date.now()
  node.links++
}

function leave(place: Place, node: Node): void {
  directoryOf(place).entries.delete(place.name)
  directoryOf(place).modified = Date.now()
  node.links--
}
