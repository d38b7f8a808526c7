/**
 * A failure whose message is meant for the person at the terminal: it says what happened, on what, and what to do.
 * The entry point prints it without a stack trace; anything else that is thrown is a defect of the build itself.
 */
export class BuildFailure extends Error {
  override name = 'BuildFailure'
}
