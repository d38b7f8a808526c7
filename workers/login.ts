/**
 * Logs in to PostgreSQL on behalf of a client that has proved who it is (authentication.ts). The host plays the client's part in the
 * SCRAM exchange that PostgreSQL demands because of pg_hba.conf.
 */

import { SessionRefused } from '../wasm/cluster/session-refused.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import { BackendMessages } from '../wasm/protocol/backend-messages.js'
import { concatenated, uint32, uint32At } from '../wasm/protocol/bytes.js'
import { message } from '../wasm/protocol/messages.js'
import { type Keys, ScramClient } from '../wasm/protocol/scram.js'
import { Authentication, MECHANISM, PASSWORD } from './authentication-messages.js'

export interface LoginOutcome {
  /** What the backend has sent that the client gets: AuthenticationOk and what follows it, or the error. */
  readonly output: Uint8Array
  readonly succeeded: boolean
}

/**
 * Answers the backend's authentication messages after the startup message.
 *
 * @throws SessionRefused when pg_hba.conf demands a method that needs the client itself
 */
export async function logIn(backend: ClientSocket, keys: Keys): Promise<LoginOutcome> {
  const decoder = new TextDecoder()
  const messages = new BackendMessages(backend)
  const scram = new ScramClient(keys)
  const seen: Uint8Array[] = []
  const answer = (...parts: (Uint8Array | string)[]) => backend.setInput(message(PASSWORD, ...parts))
  for (let next = await messages.next(); next !== undefined; next = await messages.next()) {
    const kind = next.type === 'R' ? uint32At(next.body, 0) : undefined
    const data = decoder.decode(next.body.subarray(4))
    if (kind === Authentication.SASL && data.split('\0').includes(MECHANISM))
      answer(`${MECHANISM}\0`, uint32(scram.first.length), scram.first)
    else if (kind === Authentication.SASLContinue) answer((await scram.final(data)) ?? '')
    else if (kind !== Authentication.SASLFinal) {
      seen.push(next.bytes)
      if (kind === Authentication.OK)
        return { output: concatenated([...seen, messages.rest()]), succeeded: true }
      if (next.type === 'E') break
      if (kind !== undefined) throw unusable()
    }
  }
  return { output: concatenated(seen), succeeded: false }
}

const unusable = () =>
  new SessionRefused(
    '28000',
    'pg_hba.conf asks remote clients for something else than scram-sha-256, which a server in an object cannot do',
  )
