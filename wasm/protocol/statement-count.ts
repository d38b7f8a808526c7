/** Counts what a client asks for: its Query, Execute and FunctionCall messages. */
import { FrontendStream } from './frontend-stream.js'

const STATEMENTS = ['Q', 'E', 'F']

export class StatementCount {
  /** Messages counted, by all connections that share this. */
  statements = 0
}

export class StatementCounter {
  readonly #count: StatementCount
  #stream: FrontendStream

  constructor(count: StatementCount) {
    this.#count = count
    this.#stream = this.#begin()
  }

  /** What follows is inside of TLS, where the client starts again. */
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
