/**
 * Where the server listens. The host binds TCP addresses before PostgreSQL starts, so that a taken port is known before
 * anything else happens, and a free one can be chosen. When PostgreSQL listens on the same addresses, it gets these sockets.
 * This is stricter than PostgreSQL, which is content with one of several addresses: if another server had `localhost` in one
 * of the two address families, some clients would connect to that one.
 *
 * Unix sockets are bound when PostgreSQL asks for it, because it makes lock files beside them.
 */
import { lookup } from 'node:dns/promises'
import { isIP, SocketAddress } from 'node:net'
import type { ListenAddress } from '../../wasm/cluster/cluster.js'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'

/** How often to try another port when one is free for the first address and taken for the next. */
const PORT_ATTEMPTS = 20

/** Hosts to listen on that clients cannot connect to. */
const WILDCARDS = ['*', '0.0.0.0', '::']

/** Hosts to listen on that only this machine can connect to. */
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/

const UNAVAILABLE = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']

/**
 * The numeric addresses of names and addresses as in PostgreSQL's listen_addresses, each once.
 *
 * @throws StartupError when a name has no address
 */
export async function numericAddresses(hosts: readonly string[]): Promise<string[]> {
  const addresses = new Set<string>()
  for (const host of hosts) for (const address of await numeric(host)) addresses.add(address)
  return [...addresses]
}

async function numeric(host: string): Promise<string[]> {
  if (host === 'localhost') return ['127.0.0.1', '::1']
  if (host === '*') return ['0.0.0.0', '::']
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(found => found.address)
  } catch (error) {
    throw new StartupError(`cannot listen on "${host}": no such host`, errorCode(error))
  }
}

/** What listens on an address. */
interface Bound {
  /** With the port that the system has chosen, if it was 0. */
  readonly address: ListenAddress
  close(): void
}

/**
 * Listens on one port of all these addresses.
 *
 * @param hosts numeric addresses
 * @param port 0 for any that is free on all of them
 * @param bind listens on one address, or rejects with the system's error
 * @returns one for each address, but none for addresses of a family that this machine does not have; at least one, unless there
 *   are no hosts
 * @throws StartupError when the port is taken on one of them, or this process may not use it
 */
export async function bindAll<T extends Bound>(
  hosts: readonly string[],
  port: number,
  bind: (address: ListenAddress) => Promise<T>,
): Promise<T[]> {
  for (let attempt = 1; ; attempt++) {
    const listeners: T[] = []
    let unavailable: unknown
    try {
      for (const host of hosts) {
        const samePort = listeners.length === 0 ? port : portOf(listeners[0]!.address)
        try {
          listeners.push(await bind({ host, port: samePort, family: familyOf(host) }))
        } catch (error) {
          if (!UNAVAILABLE.includes(errorCode(error) ?? '')) throw explained(error, host, samePort)
          unavailable = explained(error, host, samePort)
        }
      }
      if (listeners.length === 0 && unavailable !== undefined) throw unavailable
      return listeners
    } catch (error) {
      for (const listener of listeners) listener.close()
      const collided = port === 0 && listeners.length > 0 && errorCode(error) === 'EADDRINUSE'
      if (!collided || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

/** The TCP port of an address, or 0 of a unix socket. */
export function portOf(address: ListenAddress): number {
  return 'port' in address ? address.port : 0
}

/** The host that clients on this machine connect to, for one that startServer() listens on. */
export function reachableHost(host: string): string {
  return WILDCARDS.includes(host) ? 'localhost' : host
}

/** Whether only this machine can connect to a host that the server listens on. */
export function isLocal(host: string): boolean {
  return LOCAL_HOST.test(host)
}

/** A host as it is written in a URL: IPv6 addresses in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Whether two addresses are the same, however they are written. */
export function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path
  return a.port === b.port && a.family === b.family && canonical(a) === canonical(b)
}

function canonical({ host, family }: { host: string; family: 4 | 6 }): string {
  return new SocketAddress({ address: host, family: family === 6 ? 'ipv6' : 'ipv4' }).address
}

function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4
}

function explained(error: unknown, host: string, port: number): unknown {
  const where = `on ${host}, port ${port}`
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new StartupError(
        `cannot listen ${where}: another program listens there; choose another port`,
        'EADDRINUSE',
      )
    case 'EACCES':
      return new StartupError(`cannot listen ${where}: permission denied; choose a port above 1023`, 'EACCES')
    case 'EADDRNOTAVAIL':
      return new StartupError(`cannot listen ${where}: not an address of this machine`, 'EADDRNOTAVAIL')
    default:
      return error instanceof Error
        ? new StartupError(`cannot listen ${where}: ${error.message}`, errorCode(error))
        : error
  }
}
