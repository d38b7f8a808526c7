/**
 * SCRAM-SHA-256 as PostgreSQL does it (RFC 5802, RFC 7677; src/common/scram-common.c), without channel binding, by the
 * host's Web Cryptography.
 */

import { concatenated } from './bytes.js'
import { saslprep } from './saslprep.js'

/** PostgreSQL's default of scram_iterations. */
const ITERATIONS = 4096
/** In bytes. */
const SALT_LENGTH = 16
const NONCE_LENGTH = 18

const encoder = new TextEncoder()

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey('raw', key, HMAC, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)))
}

async function hash(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** The salted password. */
async function salted(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const bytes = encoder.encode(saslprep(password))
  const key = await crypto.subtle.importKey('raw', bytes, 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256),
  )
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const fromBase64 = (text: string) => Uint8Array.from(atob(text), character => character.charCodeAt(0))

/** Compares in a time that does not depend on where the two differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0)
  return difference === 0
}

/** The exclusive or of two byte strings of the same length. */
const combined = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!)

/** The verifier of this password, as pg_authid.rolpassword contains it. */
export async function verifier(password: string, salt = random(SALT_LENGTH)): Promise<string> {
  const key = await salted(password, salt, ITERATIONS)
  const storedKey = toBase64(await hash(await hmac(key, 'Client Key')))
  const serverKey = toBase64(await hmac(key, 'Server Key'))
  return `SCRAM-SHA-256$${ITERATIONS}:${toBase64(salt)}$${storedKey}:${serverKey}`
}

/** A verifier: what a server knows of a role's password. */
export interface Verifier {
  readonly iterations: number
  readonly salt: Uint8Array
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** The keys of a password. With them a client can log in to a server that has the password's verifier. */
export interface Keys {
  readonly clientKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** Parses pg_authid.rolpassword; undefined if that is no SCRAM verifier. */
export function parseVerifier(text: string): Verifier | undefined {
  const [, iterations, salt, storedKey, serverKey] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(text) ?? []
  if (serverKey === undefined) return undefined
  return {
    iterations: Number(iterations),
    salt: fromBase64(salt!),
    storedKey: fromBase64(storedKey!),
    serverKey: fromBase64(serverKey),
  }
}

/**
 * A verifier that no password matches, for a role that does not exist, so that clients cannot find out which roles do. A role has the
 * same salt each time, as in PostgreSQL (scram_mock_salt() in auth-scram.c).
 *
 * @param nonce the cluster's mock_authentication_nonce
 */
export async function mockVerifier(role: string, nonce: Uint8Array): Promise<Verifier> {
  const salt = (await hash(concatenated([encoder.encode(role), nonce]))).subarray(0, SALT_LENGTH)
  return { iterations: ITERATIONS, salt, storedKey: random(32), serverKey: random(32) }
}

/** The keys of a password, if it matches the verifier. */
export async function keysOf(password: string, verifier: Verifier): Promise<Keys | undefined> {
  const clientKey = await hmac(await salted(password, verifier.salt, verifier.iterations), 'Client Key')
  if (!equal(await hash(clientKey), verifier.storedKey)) return undefined
  return { clientKey, serverKey: verifier.serverKey }
}

/** The keys of a password, by what the server says of its verifier. */
export async function keysFrom(password: string, salt: Uint8Array, iterations: number): Promise<Keys> {
  const key = await salted(password, salt, iterations)
  const [clientKey, serverKey] = await Promise.all([hmac(key, 'Client Key'), hmac(key, 'Server Key')])
  return { clientKey, serverKey }
}

/** A client's side of one exchange. */
export class ScramClient {
  readonly #secret: Keys | string
  readonly #nonce = toBase64(random(NONCE_LENGTH))
  #signature = ''

  /** @param secret the password, or the keys of it */
  constructor(secret: Keys | string) {
    this.#secret = secret
  }

  /** The content of SASLInitialResponse. */
  get first(): string {
    return `n,,n=,r=${this.#nonce}`
  }

  /** The answer to the server's first message; undefined if that is none. */
  async final(serverFirst: string): Promise<string | undefined> {
    const [, nonce, salt = '', iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? []
    if (!nonce?.startsWith(this.#nonce)) return undefined
    const withoutProof = `c=biws,r=${nonce}`
    const exchange = `n=,r=${this.#nonce},${serverFirst},${withoutProof}`
    const secret = this.#secret
    const known = typeof secret !== 'string'
    const { clientKey, serverKey } = known
      ? secret
      : await keysFrom(secret, fromBase64(salt), Number(iterations))
    const proof = combined(clientKey, await hmac(await hash(clientKey), exchange))
    this.#signature = toBase64(await hmac(serverKey, exchange))
    return `${withoutProof},p=${toBase64(proof)}`
  }

  /** Whether the server's last message shows that it knows the password, too. */
  confirmedBy(serverFinal: string): boolean {
    return this.#signature !== '' && serverFinal === `v=${this.#signature}`
  }
}

/** Whether a client's last message proves that the client knows the password; undefined if it is not such a message. */
export type Proof = { readonly keys: Keys; readonly serverFinal: string } | 'wrong' | undefined

/** A server's side of one exchange. */
export class ScramServer {
  readonly #verifier: Verifier
  /** As the client's last message repeats it: without channel binding. */
  #binding = ''
  #nonce = ''
  /** Both first messages. */
  #exchange = ''

  constructor(verifier: Verifier) {
    this.#verifier = verifier
  }

  /** The answer to the client's first message; undefined if that is none. */
  first(clientFirst: string): string | undefined {
    const [, header, bare, nonce] = /^([ny],,)(n=[^,]*,r=([!-+\--~]+).*)$/.exec(clientFirst) ?? []
    if (header === undefined) return undefined
    const { salt, iterations } = this.#verifier
    this.#binding = btoa(header)
    this.#nonce = nonce + toBase64(random(NONCE_LENGTH))
    const first = `r=${this.#nonce},s=${toBase64(salt)},i=${iterations}`
    this.#exchange = `${bare},${first}`
    return first
  }

  async final(clientFinal: string): Promise<Proof> {
    const [, withoutProof, proof] = /^(.*),p=([A-Za-z0-9+/]{43}=)$/.exec(clientFinal) ?? []
    if (withoutProof !== `c=${this.#binding},r=${this.#nonce}`) return undefined
    const { storedKey, serverKey } = this.#verifier
    const exchange = `${this.#exchange},${withoutProof}`
    const clientKey = combined(fromBase64(proof!), await hmac(storedKey, exchange))
    const serverFinal = `v=${toBase64(await hmac(serverKey, exchange))}`
    if (!equal(await hash(clientKey), storedKey)) return 'wrong'
    return { keys: { clientKey, serverKey }, serverFinal }
  }
}
