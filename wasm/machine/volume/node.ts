/** The nodes of a volume: files, directories and links, each with a number of its own. */
import type { EntryType } from '../host/file-layer.js'

export interface Node {
  readonly inode: number
  readonly type: EntryType
  mode: number
  /** Bytes. */
  size: number
  /** Number of its names. */
  links: number
  /** Number of open handles. */
  opens: number
  /** A directory's entries; empty for what is none. */
  readonly entries: Map<string, Node>
  /** Where a link leads. */
  readonly target: string
  /** Milliseconds since 1970. */
  accessed: number
  modified: number
}

/** Those of what is no directory. */
const NO_ENTRIES: Node['entries'] = new Map()

export function makeNode(inode: number, type: EntryType, mode: number, target = ''): Node {
  const now = Date.now()
  const rest = { size: 0, links: 0, opens: 0, target, accessed: now, modified: now }
  return { inode, type, mode, entries: type === 'directory' ? new Map() : NO_ENTRIES, ...rest }
}

export class FileError extends Error {
  constructor(
    /** The errno that the process gets, such as 'ENOENT'. */
    readonly code: string,
    what: string,
  ) {
    super(`${code}: ${what}`)
  }
}
