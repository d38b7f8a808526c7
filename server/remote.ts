/**
 * Listens on this machine for a PostgreSQL server that is elsewhere and reached by WebSocket, such as one in a Durable Object,
 * so that every client can be used with it.
 */
import { StartupError } from '../wasm/cluster/startup-error.js'
import { bindAll, numericAddresses, portOf, reachableHost } from './listen-addresses.js'
import { ListeningSocket } from './listening-socket.js'
import { DEFAULT_PORT } from './settings.js'
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
  const { host: names = 'localhost', port = DEFAULT_PORT } = options
  const hosts = names.split(',').map(name => name.trim())
  const tunnels = new Set<Tunnel>()
  const sockets = await bindAll(await numericAddresses(hosts), port, ListeningSocket.bind)
  const [first] = sockets
  if (first === undefined) throw new StartupError(`cannot listen on "${names}"`, 'EADDRNOTAVAIL')
  for (const socket of sockets) {
    socket.onClient = client => {
      const tunnel = new Tunnel(client, url, text => options.log?.(text))
      tunnels.add(tunnel)
      client.on('close', () => tunnels.delete(tunnel))
    }
  }
  return {
    host: reachableHost(hosts[0]!),
    port: portOf(first.address),
    async stop() {
      for (const tunnel of tunnels) tunnel.close()
      await Promise.all(sockets.map(socket => new Promise<void>(resolve => socket.close(resolve))))
    },
  }
}

function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined) url.protocol = url.protocol.replace(/^http/, 'ws')
  if (url === undefined || !/^wss?:$/.test(url.protocol))
    throw new StartupError(`"${text}" is not where a server can be: it must be a URL like wss://HOST/PATH`)
  url.hash = ''
  return url
}
