/** Kinds of Authentication messages, and the type of the client's answers (PostgreSQL documentation, "Message Formats"). */

export const Authentication = { OK: 0, SASL: 10, SASLContinue: 11, SASLFinal: 12 } as const

export const MECHANISM = 'SCRAM-SHA-256'

/** The type of PasswordMessage, SASLInitialResponse and SASLResponse. */
export const PASSWORD = 'p'
