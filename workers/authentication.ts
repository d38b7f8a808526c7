/**
 * Checks a client's password before there is a backend for it, so that no stranger costs a backend. The host has the SCRAM exchange with
 * the client, using the verifier that PostgreSQL stores. With the keys that the client proves to know, the host then logs in to
 * PostgreSQL on the client's behalf (login.ts). PostgreSQL decides as always, and can still refuse the client.
 *
 * A client may also send its password unasked, directly behind its startup message. `@neondatabase/serverless` does so to save two
 * round trips.
 */
import { SessionRefused } from '../wasm/cluster/session-refused.js'
import { uint32, uint32At } from '../wasm/protocol/bytes.js'
import { message } from '../wasm/protocol/messages.js'
import { type Keys, keysOf, ScramServer, type Verifier } from '../wasm/protocol/scram.js'
import { Authentication, MECHANISM, PASSWORD } from './authentication-messages.js'

/** A client, as authenticate() talks with it: message by message. */
export interface Interlocutor {
  /** Whether it has sent something already. */
  readonly hasSpoken: boolean
  /** Its next message; undefined when it is gone. */
  next(): Promise<{ readonly type: string; readonly body: Uint8Array } | undefined>
  send(bytes: Uint8Array): void
}

/**
 * Returns the keys that the client has proved to know, or undefined when the client is gone.
 *
 * @throws SessionRefused when the password is wrong, or the client breaks the protocol
 */
export async function authenticate(
  client: Interlocutor,
  user: string,
  verifier: Verifier,
): Promise<Keys | undefined> {
  const unasked = client.hasSpoken
  if (!unasked) client.send(authentication(Authentication.SASL, `${MECHANISM}\0\0`))
  const first = await answer(client)
  if (first === undefined) return undefined
  if (unasked) return checked(await keysOf(text(first).replace(/\0$/, ''), verifier), user)
  const scram = new ScramServer(verifier)
  const challenge = scram.first(initialResponse(first))
  if (challenge === undefined) throw malformed()
  client.send(authentication(Authentication.SASLContinue, challenge))
  const second = await answer(client)
  if (second === undefined) return undefined
  const proof = await scram.final(text(second))
  if (proof === undefined) throw malformed()
  const keys = checked(proof === 'wrong' ? undefined : proof.keys, user)
  client.send(authentication(Authentication.SASLFinal, (proof as { serverFinal: string }).serverFinal))
  return keys
}

async function answer(client: Interlocutor): Promise<Uint8Array | undefined> {
  const said = await client.next()
  if (said !== undefined && said.type !== PASSWORD)
    throw new SessionRefused('08P01', `expected SASL response, got message type ${said.type.charCodeAt(0)}`)
  return said?.body
}

/** The first SCRAM message, from the client's SASLInitialResponse. */
function initialResponse(body: Uint8Array): string {
  const end = body.indexOf(0)
  if (text(body.subarray(0, end)) !== MECHANISM)
    throw new SessionRefused('08P01', 'client selected an invalid SASL authentication mechanism')
  const data = body.subarray(end + 5)
  if (data.length === 0 || uint32At(body, end + 1) !== data.length) throw malformed()
  return text(data)
}

/** Returns the keys. @throws SessionRefused when there are none, because the password was wrong */
export function checked(keys: Keys | undefined, user: string): Keys {
  if (keys !== undefined) return keys
  throw new SessionRefused('28P01', `password authentication failed for user "${user}"`)
}

const malformed = () => new SessionRefused('08P01', 'malformed SCRAM message')

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const authentication = (kind: number, data: string) => message('R', uint32(kind), data)
