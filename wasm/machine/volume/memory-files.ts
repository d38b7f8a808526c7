/** Files in memory: a volatile volume for a cluster that need not outlive its process. */
import { type Store, type Volume, volume } from './volume.js'

interface Content {
  /** What lies behind the file's size is room to grow. */
  bytes: Uint8Array
  /** Whether `bytes` are somebody else's: to be copied before they change. */
  borrowed: boolean
}

/** A file that grows gets as much again, but no more than this, in bytes. */
const MOST_ROOM = 1 << 20

export function memoryVolume(): Volume {
  return volume(memoryStore())
}

function memoryStore(): Store {
  const contents = new Map<number, Content>()
  const empty: Content = { bytes: new Uint8Array(0), borrowed: true }

  /** The bytes of a file that is about to change. */
  function own(inode: number): Uint8Array {
    const content = contents.get(inode) ?? empty
    if (!content.borrowed) return content.bytes
    const bytes = content.bytes.slice()
    contents.set(inode, { bytes, borrowed: false })
    return bytes
  }

  return {
    read({ inode }, buffer, offset, length, position) {
      const { bytes } = contents.get(inode) ?? empty
      buffer.set(bytes.subarray(position, position + length), offset)
    },
    write({ inode }, buffer, offset, length, position) {
      own(inode).set(buffer.subarray(offset, offset + length), position)
    },
    resize({ inode, size: former }, size) {
      const { bytes } = contents.get(inode) ?? empty
      if (size > bytes.length) {
        const larger = new Uint8Array(Math.max(size, bytes.length + Math.min(bytes.length, MOST_ROOM)))
        larger.set(bytes.subarray(0, former))
        contents.set(inode, { bytes: larger, borrowed: false })
      } else if (size < former) own(inode).fill(0, size, former)
    },
    put({ inode }, content) {
      contents.set(inode, { bytes: content, borrowed: true })
    },
    free({ inode }) {
      contents.delete(inode)
    },
    save() {},
    addName() {},
    removeName() {},
    sync() {},
  }
}
