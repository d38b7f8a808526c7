/** SCRAM-SHA-256 as PostgreSQL does it (RFC 5802, RFC 7677; src/common/scram-common.c), without channel binding. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** PostgreSQL's default of scram_iterations. */
const ITERATIONS = 4096

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** The salted password. PostgreSQL prepares it by SASLprep, most of which is this normalisation. */
function salted(password: string, salt: Uint8Array, iterations: number): Buffer {
  return pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256')
}

/** What pg_authid.rolpassword has for this password. */
export function verifier(password: string, salt = randomBytes(16)): string {
  const key = salted(password, salt, ITERATIONS)
  const storedKey = hash(hmac(key, 'Client Key')).toString('base64')
  const serverKey = hmac(key, 'Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

/** Whether what pg_authid.rolpassword has is the verifier of this password. */
export function verifies(verifier: string, password: string): boolean {
  const [, iterations, salt, storedKey] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(verifier) ?? []
  if (iterations === undefined || salt === undefined || storedKey === undefined) return false
  const key = hmac(salted(password, Buffer.from(salt, 'base64'), Number(iterations)), 'Client Key')
  const stored = Buffer.from(storedKey, 'base64')
  return stored.length === 32 && timingSafeEqual(hash(key), stored)
}

/** A client's side of one exchange. */
export class ScramClient {
  readonly #password: string
  readonly #nonce = randomBytes(18).toString('base64')
  #signature = ''

  constructor(password: string) {
    this.#password = password
  }

  /** What SASLInitialResponse carries. */
  get first(): string {
    return `n,,n=,r=${this.#nonce}`
  }

  /** The answer to the server's first message; undefined if that is none. */
  final(serverFirst: string): string | undefined {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? []
    if (nonce === undefined || salt === undefined || !nonce.startsWith(this.#nonce)) return undefined
    const key = salted(this.#password, Buffer.from(salt, 'base64'), Number(iterations))
    const withoutProof = `c=biws,r=${nonce}`
    const exchange = `n=,r=${this.#nonce},${serverFirst},${withoutProof}`
    const clientKey = hmac(key, 'Client Key')
    const signature = hmac(hash(clientKey), exchange)
    this.#signature = hmac(hmac(key, 'Server Key'), exchange).toString('base64')
    return `${withoutProof},p=${Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!)).toString('base64')}`
  }

  /** Whether the server's last message shows that it knows the password, too. */
  confirmedBy(serverFinal: string): boolean {
    return this.#signature !== '' && serverFinal === `v=${this.#signature}`
  }
}
