/** What a volume consists of: files, directories and links, each with a number of its own. */
import type { EntryType } from '../host/file-layer.js'

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

export function makeNode(inode: number, type: EntryType, mode: number, target = ''): Node {
  const now = Date.now()
  const rest = { size: 0, links: 0, opens: 0, target, accessed: now, modified: now }
  return { inode, type, mode, entries: new Map(), ...rest }
}

export class FileError extends Error {
  constructor(
    /** What a process is told, such as 'ENOENT'. */
    readonly code: string,
    what: string,
  ) {
    super(`${code}: ${what}`)
  }
}
