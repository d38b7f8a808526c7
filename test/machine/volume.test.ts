/** A volume whose store fails: each operation is done as a whole, or not at all. */
import { describe, expect, test } from 'vitest'
import { memoryVolume } from '../../wasm/machine/volume/memory-files.js'
import { FileError, makeNode, type Node } from '../../wasm/machine/volume/node.js'
import type { Kept, Store } from '../../wasm/machine/volume/store.js'
import { type Volume, volume } from '../../wasm/machine/volume/volume.js'
import { OPERATIONS, pattern, picture, READ, setUp, write } from '../fixtures/file-operations.js'

interface State {
  nodes: Map<number, Pick<Node, 'inode' | 'type' | 'mode' | 'size' | 'target' | 'accessed' | 'modified'>>
  names: Map<number, Map<string, number>>
  contents: Map<number, Uint8Array>
}

/** Keeps files as a disk does, so that a volume can be opened on it again; and fails when it is told to. */
class FailingStore implements Store {
  #state: State = { nodes: new Map(), names: new Map(), contents: new Map() }
  /** Changes until one fails. */
  changesLeft = Number.POSITIVE_INFINITY
  changes = 0

  /** The volume that a new server would find. */
  open(): Volume {
    return volume(this, this.#kept())
  }

  get nodes(): number {
    return this.#state.nodes.size
  }

  atomically(changes: () => void): void {
    const before = structuredClone(this.#state)
    try {
      changes()
    } catch (error) {
      this.#state = before
      throw error
    }
  }

  read({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    buffer.set(this.#content(inode).subarray(position, position + length), offset)
  }

  write({ inode }: Node, buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.#change()
    this.#content(inode).set(buffer.subarray(offset, offset + length), position)
  }

  resize({ inode }: Node, size: number): void {
    this.#change()
    const content = new Uint8Array(size)
    content.set(this.#content(inode).subarray(0, size))
    this.#state.contents.set(inode, content)
    this.#state.nodes.get(inode)!.size = size
  }

  put({ inode }: Node, content: Uint8Array): void {
    this.#change()
    this.#state.contents.set(inode, content.slice())
  }

  copy(from: Node, to: Node): void {
    this.#change()
    this.#state.contents.set(to.inode, this.#content(from.inode).slice())
  }

  save({ inode, type, mode, size, target, accessed, modified }: Node): void {
    this.#change()
    this.#state.nodes.set(inode, { inode, type, mode, size, target, accessed, modified })
  }

  addName(directory: Node, name: string, { inode }: Node): void {
    this.#change()
    const { names } = this.#state
    names.set(directory.inode, new Map(names.get(directory.inode)).set(name, inode))
  }

  removeName(directory: Node, name: string): void {
    this.#change()
    this.#state.names.get(directory.inode)!.delete(name)
  }

  free({ inode }: Node): void {
    this.#change()
    this.#state.nodes.delete(inode)
    this.#state.contents.delete(inode)
  }

  sync(): void {}

  #change(): void {
    this.changes++
    if (--this.changesLeft === 0) throw new FileError('ENOSPC', 'told to')
  }

  #content(inode: number): Uint8Array {
    return this.#state.contents.get(inode) ?? new Uint8Array(0)
  }

  #kept(): Kept {
    const nodes = new Map([[1, makeNode(1, 'directory', 0o755)]])
    for (const { inode, type, mode, target, ...rest } of this.#state.nodes.values())
      nodes.set(inode, Object.assign(makeNode(inode, type, mode, target), rest))
    for (const [directory, names] of this.#state.names)
      for (const [name, inode] of names) {
        const node = nodes.get(inode)!
        nodes.get(directory)!.entries.set(name, node)
        node.links++
      }
    return { root: nodes.get(1)!, lastInode: Math.max(...nodes.keys()) }
  }
}

function filled(): { store: FailingStore; opened: Volume } {
  const store = new FailingStore()
  const opened = store.open()
  setUp(opened)
  store.changes = 0
  return { store, opened }
}

describe('an operation that fails at any of its changes has changed nothing, and can be done again', () => {
  test.each(Object.entries(OPERATIONS))('%s', (_, operate) => {
    const whole = filled()
    operate(whole.opened, whole.opened.files())
    const after = picture(whole.opened)
    expect(whole.store.changes).toBeGreaterThan(0)
    for (let step = 1; step <= whole.store.changes; step++) {
      const { store, opened } = filled()
      const before = picture(opened)
      store.changesLeft = step
      expect(() => operate(opened, opened.files())).toThrow('ENOSPC')
      expect(picture(opened)).toEqual(before)
      expect(picture(store.open())).toEqual(before)
      operate(opened, opened.files())
      expect(picture(opened)).toEqual(after)
      expect(picture(store.open())).toEqual(after)
      expect(store.nodes).toBe(whole.store.nodes)
    }
  })
})

test('a file that is removed while it is open is freed when it is closed', () => {
  const { store, opened } = filled()
  const before = store.nodes
  const files = opened.files()
  const handle = files.open('/two', READ, 0)
  files.unlink('/two')
  expect(store.nodes).toBe(before)
  const bytes = new Uint8Array(4)
  expect(files.read(handle, bytes, 0, 4, 0)).toBe(4)
  expect([...bytes]).toEqual([...pattern(4, 2)])
  files.close(handle)
  expect(store.nodes).toBe(before - 1)
})

test('a process that ends closes all of its files, also when one of them cannot be freed', () => {
  const { store, opened } = filled()
  const [files, others] = [opened.files(), opened.files()]
  for (const path of ['/two', '/base/1/three']) {
    files.open(path, READ, 0)
    others.open(path, READ, 0)
    others.unlink(path)
  }
  others.closeAll()
  const before = store.nodes
  store.changesLeft = 1
  files.closeAll()
  expect(store.nodes).toBe(before - 1)
  expect(() => files.fstat(3)).toThrow('EBADF')
  expect(() => files.fstat(4)).toThrow('EBADF')
})

describe('paths', () => {
  const opened = () => {
    const made = memoryVolume()
    setUp(made)
    return made.files()
  }

  test('lead through links, relative to where these are, and upwards', () => {
    const files = opened()
    files.symlink('../../one', '/base/1/up')
    files.symlink('/base', '/absolute')
    const { inode } = files.stat('/one', true)
    for (const path of ['/link/up', '/absolute/1/up', '/base/1/../../one', '//./one', '/../one'])
      expect(files.stat(path, true).inode).toBe(inode)
    expect(files.stat('/link/../../one', true).inode).toBe(inode)
    expect(files.list('/link').map(({ name }) => name)).toEqual(['three', 'up'])
    files.rmdir('/empty')
    files.symlink('circle', '/circle')
    expect(() => files.stat('/circle', true)).toThrow('ELOOP')
    expect(() => files.stat('/one/below', true)).toThrow('ENOTDIR')
    expect(() => files.stat('/nowhere/below', true)).toThrow('ENOENT')
  })

  test.each([
    ['/one', '/empty', 'EISDIR'],
    ['/empty', '/one', 'ENOTDIR'],
    ['/empty', '/base', 'ENOTEMPTY'],
    ['/base', '/base/1/inside', 'EINVAL'],
    ['/nothing', '/two', 'ENOENT'],
    ['/', '/root', 'EBUSY'],
  ])('%s is not renamed to %s: %s', (from, to, code) => {
    const files = opened()
    expect(() => files.rename(from, to)).toThrow(code)
    for (const path of ['/one', '/two', '/empty', '/base/1/three']) files.stat(path, true)
  })
})

test('a copy in memory and its original change independently', () => {
  const inMemory = memoryVolume()
  const files = inMemory.files()
  write(files, '/one', pattern(100, 1))
  files.copy('/one', '/two')
  files.copy('/two', '/three')
  const before = picture(inMemory)
  expect(contentsOf(before)).toEqual([before['/one'], before['/one'], before['/one']])
  write(files, '/one', pattern(10, 50), 20)
  write(files, '/two', pattern(300, 7), 90)
  const after = picture(inMemory)
  expect(after['/three']).toBe(before['/three'])
  expect(new Set(contentsOf(after)).size).toBe(3)
  files.unlink('/one')
  expect(picture(inMemory)['/three']).toBe(before['/three'])
  expect(() => files.copy('/two', '/three')).toThrow('EEXIST')
  expect(() => files.copy('/nowhere', '/four')).toThrow('ENOENT')
})

const contentsOf = (seen: Record<string, string>) => ['/one', '/two', '/three'].map(path => seen[path])
