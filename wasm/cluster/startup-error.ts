/**
 * A server that could not be started, for a reason that the person who started it can do something about. The message
 * is one line that says what happened, on what, and what to do; the command line prints it as it is.
 */
export class StartupError extends Error {
  override name = 'StartupError'

  constructor(
    message: string,
    /** The system's name for the failure where there is one: EADDRINUSE, EACCES, … */
    readonly code?: string,
  ) {
    super(message)
  }
}

/** The system's name for a failure (ENOENT, EACCES, …), or undefined when it is not a failure of the system. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
