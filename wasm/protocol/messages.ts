/**
 * Headers and request codes of the frontend/backend protocol; no other file knows them (PostgreSQL documentation, "Message
 * Formats" and "Message Flow"). A message is a type byte, a length and a body. Messages that a frontend sends before the session
 * begins have no type.
 */
import { concatenated, uint32, uint32At } from './bytes.js'

/** Codes in the place of the protocol's version, in requests before a startup message or instead of one. */
export const CANCEL_REQUEST = 80877102
export const SSL_REQUEST = 80877103
export const GSSENC_REQUEST = 80877104

export const PROTOCOL_3_0 = 0x30000

/** Longest message without a type, in bytes: PostgreSQL's MAX_STARTUP_PACKET_LENGTH and the length word. */
const MAXIMUM_UNTYPED_LENGTH = 10_004

export interface Header {
  /** One character; '' for a message without a type. */
  readonly type: string
  /**
   * Bytes of the whole message. If the header has an invalid length, PostgreSQL refuses it without reading on, and this is the
   * length of the header.
   */
  readonly length: number
  /** In a message without a type: the protocol's version or a request code. */
  readonly code?: number
}

/**
 * The header that begins at a place in these bytes, or undefined while it is not complete.
 *
 * @param typed whether the message has a type
 */
export function headerOf(bytes: Uint8Array, typed: boolean, at = 0): Header | undefined {
  const start = at + (typed ? 1 : 0)
  if (bytes.length < start + 4) return undefined
  const length = uint32At(bytes, start)
  if (typed) return { type: String.fromCharCode(bytes[at]!), length: 1 + Math.max(length, 4) }
  if (length < 8 || length > MAXIMUM_UNTYPED_LENGTH) return { type: '', length: 4 }
  return bytes.length < at + 8 ? undefined : { type: '', length, code: uint32At(bytes, at + 4) }
}

/** Whether this message asks for TLS or GSSAPI. After it and its answer comes another message without a type. */
export function asksForEncryption({ code }: Header): boolean {
  return code === SSL_REQUEST || code === GSSENC_REQUEST
}

/** Whether this is a startup message, of any minor version of protocol 3. */
export function beginsSession({ code = 0 }: Header): boolean {
  return code >>> 16 === PROTOCOL_3_0 >>> 16
}

/**
 * A message with its length.
 *
 * @param type '' for a message without a type
 * @param body parts of the body; strings become UTF-8
 */
export function message(type: string, ...body: (Uint8Array | string)[]): Uint8Array {
  const encoder = new TextEncoder()
  const parts = body.map(part => (typeof part === 'string' ? encoder.encode(part) : part))
  const length = parts.reduce((sum, part) => sum + part.length, 4)
  return concatenated([encoder.encode(type), uint32(length), ...parts])
}

/** A StartupMessage; the parameter `user` must be among them. */
export function startupMessage(
  parameters: Readonly<Record<string, string>>,
  version = PROTOCOL_3_0,
): Uint8Array {
  return message('', uint32(version), `${Object.entries(parameters).flat().join('\0')}\0\0`)
}
