/** Joins a WebSocket and the stream of a session: each binary message has bytes of the frontend/backend protocol, cut anywhere. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { CloseCode } from '../../wasm/protocol/web-socket-protocol.js'

/** Bytes that the WebSocket may have to send before the session's output is no longer read. */
const SEND_LIMIT = 1 << 20

/** Ends the session when the page has gone, and the WebSocket when the session has ended. */
export function join(socket: WebSocket, stream: Duplex): void {
  socket.on('message', (data, binary) => {
    if (!binary) return socket.close(CloseCode.UnsupportedData, 'messages have to be binary')
    if (stream.writable && !stream.write(data as Buffer)) {
      socket.pause()
      stream.once('drain', () => socket.resume())
    }
  })
  socket.on('error', () => socket.terminate())
  socket.on('close', () => stream.destroy())
  stream.on('data', bytes => {
    socket.send(bytes, () => {
      if (socket.bufferedAmount <= SEND_LIMIT) stream.resume()
    })
    if (socket.bufferedAmount > SEND_LIMIT) stream.pause()
  })
  stream.on('end', () => socket.close(CloseCode.Normal))
  stream.on('error', error => socket.close(CloseCode.InternalError, error.message.slice(0, 100)))
}
