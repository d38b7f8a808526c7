/**
 * What a client says first, before there is a session: messages without a type (PostgreSQL documentation, "Message Formats":
 * SSLRequest, GSSENCRequest, StartupMessage, CancelRequest), and how it is refused then.
 */

export interface FirstMessage {
  readonly kind: 'encryption' | 'startup' | 'other'
  /** In bytes, its length word included. */
  readonly length: number
}

const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
const MAJOR_VERSION = 3

/** PostgreSQL's MAX_STARTUP_PACKET_LENGTH, and what it adds. */
const MAXIMUM_LENGTH = 10_004

/** The answer to a request for encryption where there is none. */
export const NO_ENCRYPTION = Uint8Array.of('N'.charCodeAt(0))

/** The first message in these bytes, or undefined while it is not complete. One that makes no sense is 'other'. */
export function firstMessage(bytes: Uint8Array): FirstMessage | undefined {
  if (bytes.length < 8) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const length = view.getUint32(0)
  const code = view.getUint32(4)
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) return { kind: 'encryption', length: 8 }
  if (code >>> 16 !== MAJOR_VERSION || length < 8 || length > MAXIMUM_LENGTH)
    return { kind: 'other', length: bytes.length }
  return bytes.length < length ? undefined : { kind: 'startup', length }
}

/** An ErrorResponse of severity FATAL. */
export function fatalError(sqlstate: string, message: string, hint?: string): Uint8Array {
  const fields = ['SFATAL', 'VFATAL', `C${sqlstate}`, `M${message}`, ...(hint ? [`H${hint}`] : []), '', '']
  const text = new TextEncoder().encode(fields.join('\0'))
  const bytes = new Uint8Array(5 + text.length)
  bytes[0] = 'E'.charCodeAt(0)
  new DataView(bytes.buffer).setUint32(1, 4 + text.length)
  bytes.set(text, 5)
  return bytes
}
