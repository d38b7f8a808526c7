/** How much memory an isolate has, asked by the inspector's protocol, of which this is as much as one question needs. */
import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import type { Socket } from 'node:net'
import { json } from 'node:stream/consumers'

/** In bytes. */
export interface HeapUsage {
  /** JavaScript's objects. */
  readonly usedSize: number
  /** Array buffers, beside WebAssembly's memories. */
  readonly backingStorageSize: number
}

export async function heapUsage(port: number): Promise<HeapUsage> {
  const targets = await new Promise<{ id: string }[]>((resolve, reject) =>
    get({ host: '127.0.0.1', port, path: '/json/list' }, response =>
      resolve(json(response) as Promise<{ id: string }[]>),
    ).on('error', reject),
  )
  const socket = await connect(port, `/${targets[0]!.id}`)
  try {
    send(socket, JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }))
    await answer(socket, 1)
    send(socket, JSON.stringify({ id: 2, method: 'Runtime.getHeapUsage' }))
    return (await answer(socket, 2)) as HeapUsage
  } finally {
    socket.destroy()
  }
}

/** A WebSocket (RFC 6455) to this path. */
function connect(port: number, path: string): Promise<Socket> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  }
  return new Promise((resolve, reject) =>
    get({ host: '127.0.0.1', port, path, headers })
      .on('upgrade', (_response, socket) => resolve(socket as Socket))
      .on('response', response => reject(new Error(`the inspector answers ${response.statusCode}`)))
      .on('error', reject),
  )
}

/** One masked text frame of less than 126 bytes. */
function send(socket: Socket, text: string): void {
  const mask = randomBytes(4)
  const payload = Buffer.from(text).map((byte, i) => byte ^ mask[i % 4]!)
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, payload]))
}

/** The result of the message with this id; all else that comes is passed over. */
function answer(socket: Socket, id: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const look = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      for (let frame = firstFrame(bytes); frame !== undefined; frame = firstFrame(bytes)) {
        bytes = bytes.subarray(frame.end)
        const message = JSON.parse(frame.text) as { id?: number; result?: unknown }
        if (message.id !== id) continue
        socket.off('data', look)
        resolve(message.result)
        return
      }
    }
    socket.on('data', look)
    socket.once('close', () => reject(new Error('the inspector has closed the connection')))
  })
}

function firstFrame(bytes: Buffer): { text: string; end: number } | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes[1]! & 0x7f
  const header = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < header) return undefined
  const length =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  const end = header + length
  return bytes.length < end ? undefined : { text: bytes.toString('utf8', header, end), end }
}
