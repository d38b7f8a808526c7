/** Logs in: the messages from the startup packet to the first ReadyForQuery. */
import { md5 } from '@noble/hashes/legacy.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { message, startupMessage } from '../../../../wasm/protocol/messages.js'
import { ScramClient } from '../../../../wasm/protocol/scram.js'
import { reportIn, ServerError } from './messages.js'
import { Reader, textOf } from './reader.js'

/** Who logs in to which database. */
export interface Identity {
  readonly user: string
  readonly database: string
  readonly password: string
}

/** The server asks for a password, and there is none. */
export class PasswordWanted extends Error {
  override name = 'PasswordWanted'
}

/** The codes of Authentication messages. */
const AUTHENTICATION = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 }

export class Login {
  readonly #identity: Identity
  readonly #send: (bytes: Uint8Array) => void
  readonly #scram: ScramClient

  constructor(identity: Identity, send: (bytes: Uint8Array) => void) {
    this.#identity = identity
    this.#send = send
    this.#scram = new ScramClient(identity.password)
  }

  begin(): void {
    const { user, database } = this.#identity
    const application_name = 'pglite-imports-server console'
    this.#send(startupMessage({ user, database, application_name, client_encoding: 'UTF8' }))
  }

  /**
   * Answers a message of the server.
   *
   * @throws ServerError when the server refuses; PasswordWanted; Error when it asks for what the page does not know
   */
  answer(type: string, body: Uint8Array): Promise<void> | undefined {
    if (type === 'E') throw new ServerError(reportIn(body))
    if (type !== 'R') return undefined
    const reader = new Reader(body)
    const code = reader.int32()
    if (code === AUTHENTICATION.ok) return undefined
    if (code === AUTHENTICATION.saslContinue) return this.#prove(textOf(reader.rest()))
    if (code === AUTHENTICATION.saslFinal) {
      if (this.#scram.confirmedBy(textOf(reader.rest()))) return undefined
      throw new Error('the server has not proved that it knows the password')
    }
    const { user, password } = this.#identity
    if (code !== AUTHENTICATION.cleartext && code !== AUTHENTICATION.md5 && code !== AUTHENTICATION.sasl)
      throw new Error(
        'pg_hba.conf asks for a method that the console does not know: it knows trust, password, md5 and scram-sha-256',
      )
    if (password === '') throw new PasswordWanted('the server asks for a password')
    if (code === AUTHENTICATION.cleartext) this.#send(message('p', password, '\0'))
    else if (code === AUTHENTICATION.md5)
      this.#send(message('p', md5Answer(user, password, reader.rest()), '\0'))
    else this.#beginScram()
    return undefined
  }

  #beginScram(): void {
    if (!isSecureContext)
      throw new Error(
        'the browser has no cryptography for pages that come by plain HTTP from another machine: forward the port to this one (ssh -L) and open the page at localhost, or give the server a certificate (--tls-cert)',
      )
    const first = new TextEncoder().encode(this.#scram.first)
    const length = new Uint8Array(4)
    new DataView(length.buffer).setInt32(0, first.length)
    this.#send(message('p', 'SCRAM-SHA-256\0', length, first))
  }

  async #prove(serverFirst: string): Promise<void> {
    const final = await this.#scram.final(serverFirst)
    if (final === undefined) throw new Error('the server has sent no valid challenge for SCRAM-SHA-256')
    this.#send(message('p', final))
  }
}

/** AuthenticationMD5Password's answer, as PostgreSQL's documentation of the protocol has it. */
function md5Answer(user: string, password: string, salt: Uint8Array): string {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const stored = bytesToHex(md5(bytes(password + user)))
  return `md5${bytesToHex(md5(new Uint8Array([...bytes(stored), ...salt])))}`
}
