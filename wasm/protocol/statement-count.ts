/**
 * Counts what a client asks for: its Query, Execute and FunctionCall messages. It looks at the headers of messages only, and
 * skips what lies between (PostgreSQL documentation, "Message Flow").
 */

const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
const STATEMENTS = new Set([...'QEF'].map(type => type.charCodeAt(0)))

export class StatementCount {
  /** Messages counted, by all connections that share this. */
  statements = 0
}

export class StatementCounter {
  /** A message without a type comes first, and again after a request for encryption. */
  #startup = true
  readonly #header = new Uint8Array(8)
  readonly #numbers = new DataView(this.#header.buffer)
  #have = 0
  #skip = 0

  constructor(readonly count: StatementCount) {}

  /** What follows is inside of TLS, where the client starts again. */
  restart(): void {
    this.#startup = true
    this.#have = 0
    this.#skip = 0
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at)
        this.#skip -= skipped
        at += skipped
        continue
      }
      this.#header[this.#have++] = bytes[at++]!
      if (this.#have === (this.#startup ? 8 : 5)) this.#message()
    }
  }

  #message(): void {
    this.#have = 0
    if (this.#startup) {
      this.#skip = Math.max(this.#numbers.getUint32(0) - 8, 0)
      const code = this.#numbers.getUint32(4)
      this.#startup = code === SSL_REQUEST || code === GSSENC_REQUEST
      return
    }
    this.#skip = Math.max(this.#numbers.getUint32(1) - 4, 0)
    if (STATEMENTS.has(this.#header[0]!)) this.count.statements++
  }
}
