/** Joins a WebSocket and the stream of a session: each binary message has bytes of the frontend/backend protocol, cut anywhere. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { SSL_REQUEST } from '../../wasm/protocol/messages.js'
import { CloseCode } from '../../wasm/protocol/web-socket-protocol.js'

/** Bytes that the WebSocket may have to send before the session's output is no longer read. */
const SEND_LIMIT = 1 << 20

/**
 * Ends the session when the page has gone, and the WebSocket when the session has ended.
 *
 * @param secured whether the WebSocket comes by HTTPS
 */
export function join(socket: WebSocket, stream: Duplex, secured: boolean): void {
  socket.on('message', (data, binary) => {
    if (!binary) return socket.close(CloseCode.UnsupportedData, 'messages have to be binary')
    if (stream.writable && !stream.write(data as Buffer)) {
      socket.pause()
      stream.once('drain', () => socket.resume())
    }
  })
  socket.on('error', () => socket.terminate())
  socket.on('close', () => stream.destroy())
  stream.on('end', () => socket.close(CloseCode.Normal))
  stream.on('error', error => socket.close(CloseCode.InternalError, error.message.slice(0, 100)))
  if (secured) askForTls(socket, stream)
  else sendAll(stream, socket)
}

function sendAll(stream: Duplex, socket: WebSocket): void {
  stream.on('data', bytes => {
    socket.send(bytes, () => {
      if (socket.bufferedAmount <= SEND_LIMIT) stream.resume()
    })
    if (socket.bufferedAmount > SEND_LIMIT) stream.pause()
  })
}

/** Clients ask for TLS before all else. A page has it already, so this asks in its place: to pg_hba.conf the connection is then a `hostssl` one. */
function askForTls(socket: WebSocket, stream: Duplex): void {
  socket.pause()
  const request = Buffer.alloc(8)
  request.writeInt32BE(request.length)
  request.writeInt32BE(SSL_REQUEST, 4)
  stream.write(request)
  stream.once('data', (answer: Buffer) => {
    stream.pause()
    // Anything but yes and no is an error, which is for the page.
    if (!/^[SN]$/.test(answer.toString('latin1'))) stream.unshift(answer)
    sendAll(stream, socket)
    stream.resume()
    socket.resume()
  })
}
