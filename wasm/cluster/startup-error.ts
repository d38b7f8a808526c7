/**
 * A failure that the user can do something about, for example that a port is taken. The message is one line that says what
 * happened, on what, and what to do. The command line prints it as it is.
 */
export class StartupError extends Error {
  /** 'StartupError'. */
  override name = 'StartupError'

  constructor(
    message: string,
    /** The system's name for the failure, if it has one: EADDRINUSE, EACCES, … */
    readonly code?: string,
  ) {
    super(message)
  }
}

/** The system's name for an error (ENOENT, EACCES, …), or undefined for other errors. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
