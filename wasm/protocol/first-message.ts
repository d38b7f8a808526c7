/** What a client says first, before there is a session, and how it is refused then. */
import { asksForEncryption, beginsSession, headerOf, message } from './messages.js'

export interface FirstMessage {
  readonly kind: 'encryption' | 'startup' | 'other'
  /** In bytes, its length word included. */
  readonly length: number
}

/** The answer to a request for encryption where there is none. */
export const NO_ENCRYPTION = Uint8Array.of('N'.charCodeAt(0))

/** The first message in these bytes, or undefined while it is not complete. One that makes no sense is 'other'. */
export function firstMessage(bytes: Uint8Array): FirstMessage | undefined {
  const header = headerOf(bytes, false)
  if (header === undefined) return undefined
  const kind = asksForEncryption(header) ? 'encryption' : beginsSession(header) ? 'startup' : 'other'
  if (kind === 'other') return { kind, length: bytes.length }
  return bytes.length < header.length ? undefined : { kind, length: header.length }
}

/** An ErrorResponse of severity FATAL. */
export function fatalError(sqlstate: string, text: string, hint?: string): Uint8Array {
  const fields = ['SFATAL', 'VFATAL', `C${sqlstate}`, `M${text}`, ...(hint ? [`H${hint}`] : []), '', '']
  return message('E', fields.join('\0'))
}

/** What a client is told for whom there is no room, in PostgreSQL's words. */
export const TOO_MANY_CLIENTS = fatalError('53300', 'sorry, too many clients already')
