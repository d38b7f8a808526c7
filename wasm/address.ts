/** Socket addresses as the kernel keeps them: `struct address`, a length and then the bytes of a struct sockaddr. */
import { isIPv4 } from 'node:net'
import type { LinearMemory } from './memory.js'

/** An internet address or the path of a unix socket; an empty path for a client that has none. */
export type ListenAddress = { host: string; port: number; family: 4 | 6 } | { path: string }

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const UNIX_PATH_SIZE = 108

export function readAddress(memory: LinearMemory, address: number): ListenAddress {
  const start = address >>> 0
  const length = memory.view(start + 4).getUint32(start, true)
  const bytes = Buffer.from(memory.copy(start + 4, length))
  const family = bytes.readUInt16LE(0)
  if (family === AF_UNIX) {
    const path = bytes.subarray(2)
    // An abstract address begins with a NUL, which nothing in the file system does.
    return {
      path: path[0] === 0 ? `\0${path.subarray(1).toString()}` : path.toString().replace(/\0.*$/s, ''),
    }
  }
  const port = bytes.readUInt16BE(2)
  if (family === AF_INET) return { family: 4, host: [...bytes.subarray(4, 8)].join('.'), port }
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(8 + 2 * i).toString(16))
  return { family: 6, host: groups.join(':'), port }
}

/** The 16 bytes of an IPv6 address in any notation. */
function ipv6Bytes(text: string): Buffer {
  const [address = ''] = text.split('%')
  const dotted = address.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/)
  const [head = '', tail] = address.split('::')
  if (dotted?.[1] !== undefined && dotted[2] !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted[2].split('.').map(Number)
    return ipv6Bytes(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`)
  }
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const middle = new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0)
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...front, ...middle, ...back].entries()) bytes.writeUInt16BE(group, 2 * i)
  return bytes
}

export function writeAddress(memory: LinearMemory, address: number, value: ListenAddress): void {
  let bytes: Buffer
  if ('path' in value) {
    const path = Buffer.from(value.path).subarray(0, UNIX_PATH_SIZE - 1)
    bytes = Buffer.alloc(path.length === 0 ? 2 : 2 + path.length + 1)
    bytes.writeUInt16LE(AF_UNIX, 0)
    path.copy(bytes, 2)
  } else if (value.family === 4 || isIPv4(value.host)) {
    bytes = Buffer.alloc(16)
    bytes.writeUInt16LE(AF_INET, 0)
    bytes.writeUInt16BE(value.port, 2)
    for (const [i, part] of value.host.split('.').entries()) bytes[4 + i] = Number(part)
  } else {
    bytes = Buffer.alloc(28)
    bytes.writeUInt16LE(AF_INET6, 0)
    bytes.writeUInt16BE(value.port, 2)
    ipv6Bytes(value.host).copy(bytes, 8)
  }
  const start = address >>> 0
  memory.view(start + 4 + bytes.length).setUint32(start, bytes.length, true)
  memory.bytes.set(bytes, start + 4)
}
