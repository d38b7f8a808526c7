/** Socket addresses in the kernel's form: `struct address` of c/kernel/kernel.h, with a struct sockaddr in it. */
import { type Address, AF_INET, AF_INET6, AF_UNIX, offsetof, sizeof } from './abi.js'
import type { LinearMemory } from './memory.js'

/**
 * A numeric internet address, or the path of a unix socket, which is empty for a client without one. A path that begins with @ is an
 * abstract address, not in the file system.
 */
export type ListenAddress = InternetAddress | UnixAddress

/** An internet address. */
export interface InternetAddress {
  /** IPv4 or IPv6, as text. */
  host: string
  /** The TCP port. */
  port: number
  /** Which of the two it is. */
  family: 4 | 6
}

/** The address of a unix socket. */
export interface UnixAddress {
  /** Its path, empty for a client without one. */
  path: string
}

const { sockaddr_un: UNIX, sockaddr_in: INET, sockaddr_in6: INET6 } = offsetof

/** Bytes of an IPv4 address. */
const INET_LENGTH = 4
const INET6_GROUPS = 8

export function readAddress(memory: LinearMemory, address: Address): ListenAddress {
  const start = address >>> 0
  const storage = start + offsetof.address.storage
  const length = memory.view(storage).getUint32(start + offsetof.address.length, true)
  const bytes = memory.copy(storage, length)
  const view = new DataView(bytes.buffer)
  const family = view.getUint16(UNIX.sun_family, true)
  if (family === AF_UNIX) return { path: pathOf(new TextDecoder().decode(bytes.subarray(UNIX.sun_path))) }
  if (family === AF_INET) {
    const host = [...bytes.subarray(INET.sin_addr, INET.sin_addr + INET_LENGTH)].join('.')
    return { family: 4, host, port: view.getUint16(INET.sin_port) }
  }
  const groups = Array.from({ length: INET6_GROUPS }, (_, i) => view.getUint16(INET6.sin6_addr + 2 * i))
  const host = groups.map(group => group.toString(16)).join(':')
  return { family: 6, host, port: view.getUint16(INET6.sin6_port) }
}

/** An abstract address begins with a NUL, any other ends with one. */
function pathOf(text: string): string {
  return text.startsWith('\0') ? `@${text.slice(1)}` : text.replace(/\0.*$/s, '')
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
  const middle = new Array<number>(Math.max(0, INET6_GROUPS - front.length - back.length)).fill(0)
  return [...front, ...middle, ...back]
}

export function writeAddress(memory: LinearMemory, address: Address, value: ListenAddress): void {
  const bytes =
    'path' in value ? unixAddress(value.path) : internetAddress(value.host, value.port, value.family)
  const start = address >>> 0
  const storage = start + offsetof.address.storage
  memory.view(storage + bytes.length).setUint32(start + offsetof.address.length, bytes.length, true)
  memory.reach(storage + bytes.length).set(bytes, storage)
}

/** A sockaddr_un for a path in the file system. The host passes no abstract address to the kernel. */
function unixAddress(text: string): Uint8Array {
  const path = new TextEncoder().encode(text).subarray(0, sizeof.sockaddr_un - UNIX.sun_path - 1)
  const bytes = new Uint8Array(UNIX.sun_path + (path.length === 0 ? 0 : path.length + 1))
  bytes.set([AF_UNIX], UNIX.sun_family)
  bytes.set(path, UNIX.sun_path)
  return bytes
}

function internetAddress(host: string, port: number, family: 4 | 6): Uint8Array {
  const isIPv4 = family === 4 || !host.includes(':')
  const bytes = new Uint8Array(isIPv4 ? sizeof.sockaddr_in : sizeof.sockaddr_in6)
  const view = new DataView(bytes.buffer)
  view.setUint16(UNIX.sun_family, isIPv4 ? AF_INET : AF_INET6, true)
  view.setUint16(isIPv4 ? INET.sin_port : INET6.sin6_port, port)
  if (isIPv4) bytes.set(host.split('.').map(Number), INET.sin_addr)
  else for (const [i, group] of ipv6Groups(host).entries()) view.setUint16(INET6.sin6_addr + 2 * i, group)
  return bytes
}
