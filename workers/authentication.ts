/**
 * Finding out who a client is before there is a backend for it, so that strangers cost none: the SCRAM exchange that PostgreSQL would
 * have, with the verifier that PostgreSQL has. What the client proves to know is enough to log in to PostgreSQL on its behalf
 * (login.ts), which decides as always, and may still say no.
 *
 * A client may also have sent its password unasked, right behind its startup message, as `@neondatabase/serverless` does to spare two
 * round trips.
 */
import { SessionRefused } from '../wasm/cluster/session-refused.js'
import { uint32, uint32At } from '../wasm/protocol/bytes.js'
import { message } from '../wasm/protocol/messages.js'
import { type Keys, keysOf, ScramServer, type Verifier } from '../wasm/protocol/scram.js'
import { Authentication, MECHANISM, PASSWORD } from './authentication-messages.js'

/** A client that is spoken with, message by message. */
export interface Interlocutor {
  /** Whether it has said something already. */
  readonly hasSpoken: boolean
  /** Its next message; undefined when it is gone. */
  next(): Promise<{ readonly type: string; readonly body: Uint8Array } | undefined>
  send(bytes: Uint8Array): void
}

/**
 * Returns what the client has proved, or undefined when it is gone.
 *
 * @throws SessionRefused when it is not who it says
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

/** What SASLInitialResponse has for the mechanism. */
function initialResponse(body: Uint8Array): string {
  const end = body.indexOf(0)
  if (text(body.subarray(0, end)) !== MECHANISM)
    throw new SessionRefused('08P01', 'client selected an invalid SASL authentication mechanism')
  const data = body.subarray(end + 5)
  if (data.length === 0 || uint32At(body, end + 1) !== data.length) throw malformed()
  return text(data)
}

/** The keys, if there are any. @throws SessionRefused */
export function checked(keys: Keys | undefined, user: string): Keys {
  if (keys !== undefined) return keys
  throw new SessionRefused('28P01', `password authentication failed for user "${user}"`)
}

const malformed = () => new SessionRefused('08P01', 'malformed SCRAM message')

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const authentication = (kind: number, data: string) => message('R', uint32(kind), data)
