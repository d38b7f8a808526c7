/**
 * Listens on this machine for a PostgreSQL server that is elsewhere and reached by WebSocket, such as one in a Durable Object,
 * so that every client can be used with it.
 */
import { createServer, type Server } from 'node:net'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { explained, numericAddresses } from './listen-addresses.js'
import { Tunnel } from './tunnel.js'

export interface BridgeOptions {
  /** Where the server is: ws:// or wss://, or the same as http:// or https://. */
  url: string
  /** The TCP port, 0 for any free one. Default: 5432. */
  port?: number | undefined
  /** Where to listen: a name or address, or several separated by commas. Default: 'localhost'. */
  host?: string | undefined
  /** Told of connections that fail. */
  log?: ((line: string) => void) | undefined
}

export interface Bridge {
  readonly host: string
  readonly port: number
  /** Stops listening and disconnects all clients. */
  stop(): Promise<void>
}

/** @throws StartupError when the URL is none, or an address cannot be listened on */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const url = webSocketUrl(options.url)
  const host = options.host ?? 'localhost'
  const hosts = host.split(',').map(name => name.trim())
  const tunnels = new Set<Tunnel>()
  const servers: Server[] = []
  let port = options.port ?? 5432
  const stop = async () => {
    for (const tunnel of tunnels) tunnel.close()
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  }
  try {
    for (const address of await numericAddresses(hosts)) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, client => {
        const tunnel = new Tunnel(client, url, text => options.log?.(text))
        tunnels.add(tunnel)
        client.on('close', () => tunnels.delete(tunnel))
      })
      if (await listens(server, address, port)) {
        servers.push(server)
        port = portOf(server)
      }
    }
    if (servers.length === 0) throw new StartupError(`cannot listen on "${host}"`, 'EADDRNOTAVAIL')
  } catch (error) {
    await stop()
    throw error
  }
  return { host: hosts[0] === '*' ? 'localhost' : hosts[0]!, port, stop }
}

/** Resolves with whether this machine has addresses of that family. */
async function listens(server: Server, host: string, port: number): Promise<boolean> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, ipv6Only: host.includes(':') }, resolve)
    })
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return false
    throw explained(error, host, port)
  }
  server.removeAllListeners('error')
  // accept() failed, for want of file descriptors mostly: that client is refused, the others are served.
  server.on('error', () => {})
  return true
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined) url.protocol = url.protocol.replace(/^http/, 'ws')
  if (url === undefined || !/^wss?:$/.test(url.protocol))
    throw new StartupError(`"${text}" is not where a server can be: it must be a URL like wss://HOST/PATH`)
  url.hash = ''
  return url
}
