/**
 * Refuses a client with an ErrorResponse. The client's startup packet is read before, because a client that asks for
 * encryption does not expect an ErrorResponse as the answer to that.
 */
import type { Socket } from 'node:net'
import { concatenated } from '../../wasm/protocol/bytes.js'
import { firstMessage, NO_ENCRYPTION } from '../../wasm/protocol/first-message.js'

/** Milliseconds that the client has to send its startup packet. */
const PATIENCE = 5000

/**
 * @param client a socket that has not been read from; refuse() closes it
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
