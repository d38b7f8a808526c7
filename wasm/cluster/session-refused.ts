/** A session that there is no room for. Its client gets an ErrorResponse, as from PostgreSQL. */
import { fatalError } from '../protocol/first-message.js'

export class SessionRefused extends Error {
  override name = 'SessionRefused'

  constructor(
    /** SQLSTATE. */
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message)
  }

  /** An ErrorResponse. */
  get response(): Uint8Array {
    return fatalError(this.code, this.message, this.hint)
  }
}

export const tooManyClients = () => new SessionRefused('53300', 'sorry, too many clients already')
