/** Counts a client's statements: its Query, Execute and FunctionCall messages. */
import { FrontendStream } from './frontend-stream.js'

const STATEMENTS = ['Q', 'E', 'F']

export class StatementCounter {
  readonly #counted: () => void
  #stream: FrontendStream

  /** @param counted called for each statement */
  constructor(counted: () => void) {
    this.#counted = counted
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
      if (STATEMENTS.includes(type)) this.#counted()
    })
  }
}
