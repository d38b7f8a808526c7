/** Kinds of Authentication messages, and what answers them (PostgreSQL documentation, "Message Formats"). */

export const Authentication = { OK: 0, SASL: 10, SASLContinue: 11, SASLFinal: 12 } as const

export const MECHANISM = 'SCRAM-SHA-256'

/** The type of PasswordMessage and of what carries an exchange of SASL's. */
export const PASSWORD = 'p'
