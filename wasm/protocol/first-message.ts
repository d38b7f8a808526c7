/** The first message of a client, before there is a session, and the messages that refuse a client at that point. */
import {
  asksForEncryption,
  beginsSession,
  CANCEL_REQUEST,
  type Header,
  headerOf,
  message,
} from './messages.js'

export interface FirstMessage {
  readonly kind: 'encryption' | 'startup' | 'cancel' | 'other'
  /** In bytes, its length word included. */
  readonly length: number
}

/** The answer to a request for encryption where there is none. */
export const NO_ENCRYPTION = Uint8Array.of('N'.charCodeAt(0))

/** The first message in these bytes, or undefined while it is not complete. An invalid one has kind 'other'. */
export function firstMessage(bytes: Uint8Array): FirstMessage | undefined {
  const header = headerOf(bytes, false)
  if (header === undefined) return undefined
  const kind = kindOf(header)
  if (kind === 'other') return { kind, length: bytes.length }
  return bytes.length < header.length ? undefined : { kind, length: header.length }
}

function kindOf(header: Header): FirstMessage['kind'] {
  if (asksForEncryption(header)) return 'encryption'
  if (beginsSession(header)) return 'startup'
  return header.code === CANCEL_REQUEST ? 'cancel' : 'other'
}

/** The parameters of a startup message, by name. */
export function startupParameters(startup: Uint8Array): Map<string, string> {
  const words = new TextDecoder().decode(startup.subarray(8)).split('\0')
  const parameters = new Map<string, string>()
  for (let i = 0; i + 1 < words.length && words[i] !== ''; i += 2) parameters.set(words[i]!, words[i + 1]!)
  return parameters
}

/** An ErrorResponse of severity FATAL. */
export function fatalError(sqlstate: string, text: string, hint?: string): Uint8Array {
  const fields = ['SFATAL', 'VFATAL', `C${sqlstate}`, `M${text}`, ...(hint ? [`H${hint}`] : []), '', '']
  return message('E', fields.join('\0'))
}

/** The ErrorResponse for a client that there is no room for, in PostgreSQL's words. */
export const TOO_MANY_CLIENTS = fatalError('53300', 'sorry, too many clients already')

/** The longest ErrorResponse. In a longer one, PostgreSQL's own clients take the length for the text of an error of protocol 2. */
const LONGEST_ERROR = 30_000

/**
 * Converts a backend's first output to protocol 3. If the postmaster cannot start a process for a client, it sends an error of
 * protocol 2 (report_fork_failure_to_client() in postmaster.c), which most drivers do not understand.
 */
export function firstWords(bytes: Uint8Array): Uint8Array {
  const header = headerOf(bytes, true)
  if (header?.type !== 'E' || header.length <= LONGEST_ERROR) return bytes
  const text = new TextDecoder().decode(bytes.subarray(1)).replace(/\s*\0?$/, '')
  return fatalError(/memory/i.test(text) ? '53200' : '53300', text)
}
