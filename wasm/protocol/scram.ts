/**
 * SCRAM-SHA-256 as PostgreSQL does it (RFC 5802, RFC 7677; src/common/scram-common.c), without channel binding, by the
 * host's Web Cryptography.
 */

/** PostgreSQL's default of scram_iterations. */
const ITERATIONS = 4096

const encoder = new TextEncoder()

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey('raw', key, HMAC, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)))
}

async function hash(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** The salted password. PostgreSQL prepares it by SASLprep, most of which is this normalisation. */
async function salted(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const bytes = encoder.encode(password.normalize('NFKC'))
  const key = await crypto.subtle.importKey('raw', bytes, 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256),
  )
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const fromBase64 = (text: string) => Uint8Array.from(atob(text), character => character.charCodeAt(0))

/** In a time that does not depend on where they differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0)
  return difference === 0
}

/** What pg_authid.rolpassword has for this password. */
export async function verifier(password: string, salt = random(16)): Promise<string> {
  const key = await salted(password, salt, ITERATIONS)
  const storedKey = toBase64(await hash(await hmac(key, 'Client Key')))
  const serverKey = toBase64(await hmac(key, 'Server Key'))
  return `SCRAM-SHA-256$${ITERATIONS}:${toBase64(salt)}$${storedKey}:${serverKey}`
}

/** Whether what pg_authid.rolpassword has is the verifier of this password. */
export async function verifies(verifier: string, password: string): Promise<boolean> {
  const [, iterations, salt, storedKey] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(verifier) ?? []
  if (iterations === undefined || salt === undefined || storedKey === undefined) return false
  const key = await hmac(await salted(password, fromBase64(salt), Number(iterations)), 'Client Key')
  return equal(await hash(key), fromBase64(storedKey))
}

/** A client's side of one exchange. */
export class ScramClient {
  readonly #password: string
  readonly #nonce = toBase64(random(18))
  #signature = ''

  constructor(password: string) {
    this.#password = password
  }

  /** What SASLInitialResponse carries. */
  get first(): string {
    return `n,,n=,r=${this.#nonce}`
  }

  /** The answer to the server's first message; undefined if that is none. */
  async final(serverFirst: string): Promise<string | undefined> {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? []
    if (nonce === undefined || salt === undefined || !nonce.startsWith(this.#nonce)) return undefined
    const key = await salted(this.#password, fromBase64(salt), Number(iterations))
    const withoutProof = `c=biws,r=${nonce}`
    const exchange = `n=,r=${this.#nonce},${serverFirst},${withoutProof}`
    const clientKey = await hmac(key, 'Client Key')
    const signature = await hmac(await hash(clientKey), exchange)
    this.#signature = toBase64(await hmac(await hmac(key, 'Server Key'), exchange))
    return `${withoutProof},p=${toBase64(clientKey.map((byte, i) => byte ^ signature[i]!))}`
  }

  /** Whether the server's last message shows that it knows the password, too. */
  confirmedBy(serverFinal: string): boolean {
    return this.#signature !== '' && serverFinal === `v=${this.#signature}`
  }
}
