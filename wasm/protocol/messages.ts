/**
 * How messages of the frontend/backend protocol are framed, and what begins a connection: the one place that knows headers and
 * request codes (PostgreSQL documentation, "Message Formats" and "Message Flow"). A message is a type byte, a length and a
 * body; those that a frontend sends before there is a session have no type.
 */
import { concatenated, uint32, uint32At } from './bytes.js'

/** What stands in place of the protocol's version in requests that come before a startup message, or instead of one. */
export const CANCEL_REQUEST = 80877102
export const SSL_REQUEST = 80877103
export const GSSENC_REQUEST = 80877104

export const PROTOCOL_3_0 = 0x30000

/** Of a message without a type, its length word included: PostgreSQL's MAX_STARTUP_PACKET_LENGTH, and what it adds. */
const MAXIMUM_UNTYPED_LENGTH = 10_004

export interface Header {
  /** '' where there is none. */
  readonly type: string
  /**
   * Of the whole message, in bytes. Where PostgreSQL will refuse the length that the header tells without reading on, the
   * header is all of the message.
   */
  readonly length: number
  /** Of a message without a type: the protocol's version, or a request. */
  readonly code?: number
}

/**
 * The header at the beginning of these bytes, or undefined while it is not complete.
 *
 * @param typed whether the message has a type
 */
export function headerOf(bytes: Uint8Array, typed: boolean): Header | undefined {
  const start = typed ? 1 : 0
  if (bytes.length < start + 4) return undefined
  const length = uint32At(bytes, start)
  if (typed) return { type: String.fromCharCode(bytes[0]!), length: start + Math.max(length, 4) }
  if (length < 8 || length > MAXIMUM_UNTYPED_LENGTH) return { type: '', length: 4 }
  return bytes.length < 8 ? undefined : { type: '', length, code: uint32At(bytes, 4) }
}

/** Whether this message asks for TLS or GSSAPI; after it, and the answer, comes another one without a type. */
export function asksForEncryption({ code }: Header): boolean {
  return code === SSL_REQUEST || code === GSSENC_REQUEST
}

/** Whether this message begins a session, of whatever minor version. */
export function beginsSession({ code = 0 }: Header): boolean {
  return code >>> 16 === PROTOCOL_3_0 >>> 16
}

/** @param type '' for a message without one */
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
