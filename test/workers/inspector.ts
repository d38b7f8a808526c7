/** How much memory an isolate has, asked by the inspector's protocol. */
import { once } from 'node:events'
import { WebSocket } from 'ws'

/** In bytes. */
export interface HeapUsage {
  /** JavaScript's objects. */
  readonly usedSize: number
  /** Array buffers, beside WebAssembly's memories. */
  readonly backingStorageSize: number
}

export async function heapUsage(port: number): Promise<HeapUsage> {
  const address = `127.0.0.1:${port}`
  const targets = (await (await fetch(`http://${address}/json/list`)).json()) as { id: string }[]
  const socket = new WebSocket(`ws://${address}/${targets[0]!.id}`)
  await once(socket, 'open')
  try {
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    return (await ask(socket, 2, 'Runtime.getHeapUsage')) as HeapUsage
  } finally {
    socket.terminate()
  }
}

/** The result of the message with this id; all else that comes is passed over. */
function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.on('message', data => {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown }
      if (message.id === id) resolve(message.result)
    })
    socket.once('error', reject)
    socket.once('close', (code, reason) =>
      reject(new Error(`the inspector has closed the connection: ${code} ${reason}`)),
    )
    socket.send(JSON.stringify({ id, method }))
  })
}
