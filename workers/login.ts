/**
 * A login by a password that has been sent without being asked for, right behind the startup message, as
 * `@neondatabase/serverless` does to spare two round trips. PostgreSQL would take it for a part of whatever exchange pg_hba.conf
 * tells it to have. So it is held back, and that exchange is had here, on the client's behalf; PostgreSQL decides as always.
 */

import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { BackendMessages } from '../wasm/protocol/backend-messages.js'
import { concatenated, uint32, uint32At } from '../wasm/protocol/bytes.js'
import { fatalError } from '../wasm/protocol/first-message.js'
import { headerOf, message } from '../wasm/protocol/messages.js'
import { ScramClient } from '../wasm/protocol/scram.js'

/** Kinds of Authentication messages: PostgreSQL documentation, "Message Formats". */
const OK = 0
const CLEARTEXT_PASSWORD = 3
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12

const MECHANISM = 'SCRAM-SHA-256'

/** Of PasswordMessage and of what carries an exchange of SASL's. */
const PASSWORD = 'p'

/** The password in these bytes and what follows, or undefined if they do not begin with one that is complete. */
export function unaskedPassword(bytes: Uint8Array): { password: string; rest: Uint8Array } | undefined {
  const header = headerOf(bytes, true)
  if (header?.type !== PASSWORD || bytes.length < header.length) return undefined
  const text = bytes.subarray(5, header.length)
  if (text.at(-1) !== 0) return undefined
  return { password: new TextDecoder().decode(text.subarray(0, -1)), rest: bytes.subarray(header.length) }
}

export interface LoginOutcome {
  /** What the client is to see: AuthenticationOk and what came behind, or why not. */
  readonly output: Uint8Array
  readonly succeeded: boolean
}

/** Has the exchange that follows a startup message. */
export async function logIn(backend: ClientSocket, password: string): Promise<LoginOutcome> {
  const decoder = new TextDecoder()
  const messages = new BackendMessages(backend)
  const scram = new ScramClient(password)
  const seen: Uint8Array[] = []
  const answer = (...parts: (Uint8Array | string)[]) => backend.setInput(message(PASSWORD, ...parts))
  const failed = (reason: string) => ({
    output: concatenated([...seen, fatalError('28000', reason)]),
    succeeded: false,
  })
  for (let next = await messages.next(); next !== undefined; next = await messages.next()) {
    const kind = next.type === 'R' ? uint32At(next.body, 0) : undefined
    const data = decoder.decode(next.body.subarray(4))
    if (kind === CLEARTEXT_PASSWORD) answer(password, '\0')
    else if (kind === SASL) {
      if (!data.split('\0').includes(MECHANISM)) return failed(`the server does not offer ${MECHANISM}`)
      answer(`${MECHANISM}\0`, uint32(scram.first.length), scram.first)
    } else if (kind === SASL_CONTINUE) {
      const final = await scram.final(data)
      if (final === undefined) return failed('the SCRAM exchange is not understood')
      answer(final)
    } else if (kind === SASL_FINAL) {
      if (!scram.confirmedBy(data)) return failed('the server does not know the password')
    } else {
      seen.push(next.bytes)
      if (kind === OK) return { output: concatenated([...seen, messages.rest()]), succeeded: true }
      if (next.type === 'E') break
      if (kind !== undefined)
        return failed('this method of authentication cannot be used with a password sent in advance')
    }
  }
  return { output: concatenated(seen), succeeded: false }
}
