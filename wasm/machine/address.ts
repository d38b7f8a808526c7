/** Socket addresses as the kernel keeps them: `struct address`, a length and then the bytes of a struct sockaddr. */
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
  const bytes = memory.copy(start + 4, length)
  const view = new DataView(bytes.buffer)
  const family = view.getUint16(0, true)
  if (family === AF_UNIX) {
    const path = new TextDecoder().decode(bytes.subarray(2))
    // An abstract address begins with a NUL, which nothing in the file system does.
    return { path: path.startsWith('\0') ? path : path.replace(/\0.*$/s, '') }
  }
  const port = view.getUint16(2)
  if (family === AF_INET) return { family: 4, host: [...bytes.subarray(4, 8)].join('.'), port }
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16))
  return { family: 6, host: groups.join(':'), port }
}

/** The eight groups of an IPv6 address in any notation. */
function ipv6Groups(text: string): number[] {
  const [address = ''] = text.split('%')
  const dotted = address.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/)
  const [head = '', tail] = address.split('::')
  if (dotted?.[1] !== undefined && dotted[2] !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted[2].split('.').map(Number)
    return ipv6Groups(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`)
  }
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const middle = new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0)
  return [...front, ...middle, ...back]
}

export function writeAddress(memory: LinearMemory, address: number, value: ListenAddress): void {
  let bytes: Uint8Array
  if ('path' in value) {
    const path = new TextEncoder().encode(value.path).subarray(0, UNIX_PATH_SIZE - 1)
    bytes = new Uint8Array(path.length === 0 ? 2 : 2 + path.length + 1)
    bytes.set([AF_UNIX])
    bytes.set(path, 2)
  } else {
    const isIPv4 = value.family === 4 || !value.host.includes(':')
    bytes = new Uint8Array(isIPv4 ? 16 : 28)
    bytes.set([isIPv4 ? AF_INET : AF_INET6])
    const view = new DataView(bytes.buffer)
    view.setUint16(2, value.port)
    if (isIPv4) bytes.set(value.host.split('.').map(Number), 4)
    else for (const [i, group] of ipv6Groups(value.host).entries()) view.setUint16(8 + 2 * i, group)
  }
  const start = address >>> 0
  memory.view(start + 4 + bytes.length).setUint32(start, bytes.length, true)
  memory.bytes.set(bytes, start + 4)
}
