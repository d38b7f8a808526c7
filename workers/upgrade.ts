/** Requests for a WebSocket, and their answers, in Workers. */

import type { ListenAddress } from '../wasm/cluster/cluster.js'
import { FLOW_CONTROL } from '../wasm/protocol/web-socket-protocol.js'

/** Stands for an unknown address. Only a line of pg_hba.conf that matches all addresses matches it. */
const UNKNOWN = { host: '0.0.0.0', port: 0, family: 4 } as const

/** A WebSocket with the methods that only Workers have. */
interface WorkersWebSocket extends WebSocket {
  accept(options?: { allowHalfOpen?: boolean }): void
}

declare const WebSocketPair: new () => { 0: WorkersWebSocket; 1: WorkersWebSocket }

export const asksForWebSocket = (request: Request) =>
  request.headers.get('Upgrade')?.toLowerCase() === 'websocket'

/** Accepts the WebSocket that a request asks for, and calls `serve` with the server's end of it. */
export function acceptUpgrade(
  request: Request,
  serve: (socket: WebSocket, flowControl: boolean) => void,
): Response {
  if (!asksForWebSocket(request)) {
    const headers = { Upgrade: 'websocket', Connection: 'Upgrade' }
    return new Response('PostgreSQL is to be reached by WebSocket here.\n', { status: 426, headers })
  }
  const offered = request.headers.get('Sec-WebSocket-Protocol')?.split(',') ?? []
  const flowControl = offered.some(protocol => protocol.trim() === FLOW_CONTROL)
  const { 0: client, 1: server } = new WebSocketPair()
  server.binaryType = 'arraybuffer'
  server.accept({ allowHalfOpen: true })
  serve(server, flowControl)
  const init = {
    status: 101,
    webSocket: client,
    headers: new Headers(flowControl ? [['Sec-WebSocket-Protocol', FLOW_CONTROL]] : []),
  }
  return new Response(null, init)
}

/** The address that PostgreSQL sees. A loopback address counts as unknown, because no WebSocket comes from this computer. */
export function peerOf(address: string | undefined): ListenAddress {
  const family = familyOf(address ?? '')
  if (address === undefined || family === undefined) return UNKNOWN
  if (/^127\.|^::1$|^::ffff:127\./i.test(address)) return UNKNOWN
  return { host: address, port: 0, family }
}

const BYTE = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`^${BYTE}(\\.${BYTE}){3}$`)

/** The family of a numeric address; undefined for any other text. */
function familyOf(address: string): 4 | 6 | undefined {
  if (IPV4.test(address)) return 4
  return address.includes(':') && URL.canParse(`http://[${address}]`) ? 6 : undefined
}
