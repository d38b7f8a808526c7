/**
 * The table of a volume's files: their attributes, their names, and where each of their pages is. All of it is in memory. Every change
 * of it has a form that JSON can express, so that a log of changes (log.ts) can make the same table again.
 */
import type { EntryType } from '../../wasm/machine/host/file-layer.js'
import { makeNode, type Node } from '../../wasm/machine/volume/node.js'
import type { Kept } from '../../wasm/machine/volume/store.js'

/** Bytes of a page: PostgreSQL's, because that is what it writes. */
export const PAGE = 8192

/** Says that a page is nowhere: it is full of zeros. */
export const NOWHERE = -1

export const ROOT = 1
const ROOT_MODE = 0o700

interface Inode {
  type: EntryType
  mode: number
  size: number
  target: string
  modified: number
  /** By page, the slot that has it, or NOWHERE. Pages beyond the end of this array are nowhere. */
  slots: number[]
}

export type Change =
  /** Adds a file, or gives it these attributes. */
  | readonly [
      'save',
      inode: number,
      type: EntryType,
      mode: number,
      size: number,
      target: string,
      time: number,
    ]
  /** Gives a file a size. It has no page beyond that. */
  | readonly ['size', inode: number, size: number]
  /** Puts so many pages, from this one on, into slots that follow one another; all of them nowhere if `slot` is NOWHERE. */
  | readonly ['pages', inode: number, page: number, slot: number, count: number]
  | readonly ['name', directory: number, name: string, inode: number]
  | readonly ['unname', directory: number, name: string]
  /** Removes a file. */
  | readonly ['free', inode: number]

type ChangeOf<Kind> = Extract<Change, readonly [Kind, ...unknown[]]>

export class Inodes {
  readonly #inodes = new Map<number, Inode>()
  /** By directory. */
  readonly #names = new Map<number, Map<string, number>>()

  size(inode: number): number {
    return this.#inodes.get(inode)?.size ?? 0
  }

  /** The files, and how many bytes each has. */
  *sizes(): Generator<[inode: number, size: number]> {
    for (const [inode, { size }] of this.#inodes) yield [inode, size]
  }

  /** The slot of a page. */
  slot(inode: number, page: number): number {
    return this.#inodes.get(inode)?.slots[page] ?? NOWHERE
  }

  /** The slots of all pages from this one on that are somewhere. */
  slotsFrom(inode: number, page: number): number[] {
    const { slots = [] } = this.#inodes.get(inode) ?? {}
    return slots.slice(page).filter(slot => slot !== NOWHERE)
  }

  /** By file, the slots of its pages as they are now. */
  copyOfSlots(): Map<number, readonly number[]> {
    return new Map([...this.#inodes].map(([inode, { slots }]) => [inode, slots.slice()]))
  }

  /**
   * Makes a change.
   *
   * @returns the changes that undo it, in their order
   * @throws Error if there is no such file
   */
  apply(change: Change): Change[] {
    switch (change[0]) {
      case 'save':
        return this.#save(change)
      case 'size':
        return this.#resize(change[1], change[2])
      case 'pages':
        return this.#place(change)
      case 'name':
      case 'unname':
        return this.#name(change[1], change[2], change[3])
      case 'free': {
        const [inode, entry] = [change[1], this.#existing(change[1])]
        this.#inodes.delete(inode)
        return [saving(inode, entry), ...runs(inode, entry.slots, 0)]
      }
    }
  }

  #save([, inode, type, mode, size, target, modified]: ChangeOf<'save'>): Change[] {
    const before = this.#inodes.get(inode)
    this.#inodes.set(inode, { type, mode, size, target, modified, slots: before?.slots ?? [] })
    return [before === undefined ? ['free', inode] : saving(inode, before)]
  }

  #resize(inode: number, size: number): Change[] {
    const entry = this.#existing(inode)
    const pages = Math.ceil(size / PAGE)
    const undoing: Change[] = [['size', inode, entry.size], ...runs(inode, entry.slots, pages)]
    entry.size = size
    if (entry.slots.length > pages) entry.slots.length = pages
    return undoing
  }

  #place([, inode, page, slot, count]: ChangeOf<'pages'>): Change[] {
    const { slots } = this.#existing(inode)
    while (slots.length < page + count) slots.push(NOWHERE)
    const before = slots.slice(page, page + count)
    for (let i = 0; i < count; i++) slots[page + i] = slot === NOWHERE ? NOWHERE : slot + i
    return [['pages', inode, page, NOWHERE, count], ...runs(inode, before, 0, page)]
  }

  #name(directory: number, name: string, inode: number | undefined): Change[] {
    const names = this.#names.get(directory) ?? new Map<string, number>()
    this.#names.set(directory, names)
    const before = names.get(name)
    if (inode === undefined) names.delete(name)
    else names.set(name, inode)
    return [before === undefined ? ['unname', directory, name] : ['name', directory, name, before]]
  }

  /** Yields changes that make this table out of an empty one. */
  *changes(): Generator<Change> {
    for (const [inode, entry] of this.#inodes) {
      yield saving(inode, entry)
      yield* runs(inode, entry.slots, 0)
    }
    for (const [directory, names] of this.#names)
      for (const [name, inode] of names) yield ['name', directory, name, inode]
  }

  /**
   * The tree of these files, and the files without a name, which a process had open when its host ended.
   *
   * @throws Error that says what is wrong if the table makes no tree
   */
  tree(): { kept: Kept; nameless: Node[] } {
    const nodes = new Map<number, Node>()
    let lastInode = ROOT
    for (const [inode, { type, mode, size, target, modified }] of this.#inodes) {
      const node = makeNode(inode, type, mode, target)
      nodes.set(inode, Object.assign(node, { size, modified, accessed: modified }))
      lastInode = Math.max(lastInode, inode)
    }
    const root = nodes.get(ROOT)
    if (root?.type !== 'directory') throw new Error('there is no root directory')
    for (const [directory, names] of this.#names)
      for (const [name, inode] of names) {
        const [parent, node] = [nodes.get(directory), nodes.get(inode)]
        if (parent?.type !== 'directory' || node === undefined)
          throw new Error(`"${name}" is the name of no file, or in no directory`)
        parent.entries.set(name, node)
        node.links++
      }
    const nameless = [...nodes.values()].filter(node => node.links === 0 && node !== root)
    return { kept: { root, lastInode }, nameless }
  }

  #existing(inode: number): Inode {
    const entry = this.#inodes.get(inode)
    if (entry === undefined) throw new Error(`there is no file ${inode}`)
    return entry
  }
}

/** An empty volume: a root directory. */
export function emptyVolume(): Change[] {
  return [['save', ROOT, 'directory', ROOT_MODE, 0, '', Date.now()]]
}

function saving(inode: number, { type, mode, size, target, modified }: Inode): Change {
  return ['save', inode, type, mode, size, target, modified]
}

/** Changes that put pages into slots, where `slots` are those of the pages from `first` on; the pages before `from` are left out. */
function runs(inode: number, slots: readonly number[], from: number, first = 0): Change[] {
  const changes: Change[] = []
  for (let page = from; page < slots.length; ) {
    const slot = slots[page]!
    let count = 1
    while (page + count < slots.length && slot !== NOWHERE && slots[page + count] === slot + count) count++
    if (slot !== NOWHERE) changes.push(['pages', inode, first + page, slot, count])
    page += count
  }
  return changes
}
