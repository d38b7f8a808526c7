/**
 * Turning away a client. It is let say first what clients say, for those who ask for encryption do not expect an error in answer
 * to that.
 */
import type { Socket } from 'node:net'
import { concatenated } from '../wasm/protocol/bytes.js'
import { firstMessage, NO_ENCRYPTION } from '../wasm/protocol/first-message.js'

/** Milliseconds that it has for that. */
const PATIENCE = 5000

/**
 * @param client a socket that has not been read from, and is closed by this
 * @param reason an ErrorResponse
 */
export function refuse(client: Socket, reason: Uint8Array): void {
  const patience = setTimeout(() => client.destroy(), PATIENCE).unref()
  let bytes: Uint8Array = new Uint8Array()
  const read = (chunk: Uint8Array) => {
    bytes = concatenated([bytes, chunk])
    for (let first = firstMessage(bytes); first !== undefined; first = firstMessage(bytes)) {
      bytes = bytes.subarray(first.length)
      if (first.kind === 'encryption') client.write(NO_ENCRYPTION)
      else {
        client.off('data', read)
        if (first.kind === 'startup') client.write(reason)
        client.end().resume()
        return
      }
    }
  }
  client.on('error', () => {})
  client.on('close', () => clearTimeout(patience))
  client.on('end', () => client.destroySoon())
  client.on('data', read)
  client.resume()
}
