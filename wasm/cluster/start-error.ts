import { failureIn, unexplained } from './log.js'
import { StartupError } from './startup-error.js'

/** The postmaster has ended before it accepted connections. The message is PostgreSQL's own, from its log. */
export class StartError extends StartupError {
  constructor(
    /** The postmaster's exit code. */
    readonly exitCode: number,
    /** The last lines of PostgreSQL's log. */
    readonly log: string,
  ) {
    const lastLine = log.trimEnd().split('\n').at(-1) || 'its log does not say why'
    super(failureIn(log) ?? `PostgreSQL did not start (exit code ${exitCode}): ${lastLine}`)
  }

  /** Lines of the log's end, where they tell more than the message. */
  get rest(): string[] {
    return unexplained(this.log)
  }
}
