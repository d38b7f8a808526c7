/**
 * The bridge: listens on this machine, and forwards each client by WebSocket to a PostgreSQL server elsewhere, such as one in
 * a Durable Object. So clients that only know TCP can use that server.
 */
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { bindAll, numericAddresses, portOf, reachableHost } from '../network/listen-addresses.js'
import { ListeningSocket } from '../network/listening-socket.js'
import { DEFAULT_PORT } from '../settings.js'
import type { BridgeConnection } from './connection.js'

/** The options of startBridge(). */
export interface BridgeOptions {
  /** The URL of the server: ws:// or wss://; http:// and https:// mean the same. */
  url: string
  /** The TCP port, 0 for any free one. Default: 5432. */
  port?: number | undefined
  /** Where to listen: a name or address, or several separated by commas. Default: 'localhost'. */
  host?: string | undefined
  /** Called with one line for each connection that fails. */
  log?: ((line: string) => void) | undefined
}

/** A bridge to a server elsewhere. */
export interface Bridge {
  /** The host that clients on this machine connect to; `localhost` where the bridge listens on all addresses. */
  readonly host: string
  /** The TCP port. */
  readonly port: number
  /** Stops listening and disconnects all clients. */
  stop(): Promise<void>
  /** stop(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** @throws StartupError when the URL is not one of those, or the bridge cannot listen on an address */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const url = webSocketUrl(options.url)
  const { host: names = 'localhost', port = DEFAULT_PORT } = options
  const hosts = names.split(',').map(name => name.trim())
  const { BridgeConnection } = await import('./connection.js')
  const connections = new Set<BridgeConnection>()
  const sockets = await bindAll(await numericAddresses(hosts), port, ListeningSocket.bind)
  const [first] = sockets
  if (first === undefined) throw new StartupError(`cannot listen on "${names}"`, 'EADDRNOTAVAIL')
  for (const socket of sockets) {
    socket.onClient = client => {
      const connection = new BridgeConnection(client, url, text => options.log?.(text))
      connections.add(connection)
      client.on('close', () => connections.delete(connection))
    }
  }
  const bridge: Bridge = {
    host: reachableHost(hosts[0]!),
    port: portOf(first.address),
    async stop() {
      for (const connection of connections) connection.close()
      await Promise.all(sockets.map(socket => new Promise<void>(resolve => socket.close(resolve))))
    },
    [Symbol.asyncDispose]() {
      return bridge.stop()
    },
  }
  return bridge
}

function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined) url.protocol = url.protocol.replace(/^http/, 'ws')
  if (url === undefined || !/^wss?:$/.test(url.protocol))
    throw new StartupError(`invalid URL of a server "${text}": it must be like wss://HOST/PATH`)
  url.hash = ''
  return url
}
