/** Counts a client's statements: its Query, Execute and FunctionCall messages. */
import { FrontendStream } from './frontend-stream.js'

const STATEMENTS = ['Q', 'E', 'F']

export class StatementCount {
  /** The number of such messages, of all connections that share this object. */
  statements = 0
}

export class StatementCounter {
  readonly #count: StatementCount
  #stream: FrontendStream

  constructor(count: StatementCount) {
    this.#count = count
    this.#stream = this.#begin()
  }

  /** To be called when TLS begins: inside it the client begins anew with a startup message. */
  restart(): void {
    this.#stream = this.#begin()
  }

  add(bytes: Uint8Array): void {
    this.#stream.follow(bytes)
  }

  #begin(): FrontendStream {
    return new FrontendStream(({ type }) => {
      if (STATEMENTS.includes(type)) this.#count.statements++
    })
  }
}
