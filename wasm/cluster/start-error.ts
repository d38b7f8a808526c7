/** PostgreSQL has not started: why, in its own words. */
import { failureIn } from './log.js'
import { StartupError } from './startup-error.js'

/** The postmaster has ended before it accepted connections. */
export class StartError extends StartupError {
  constructor(
    readonly exitCode: number,
    /** The last lines of PostgreSQL's log. */
    readonly log: string,
  ) {
    const lastLine = log.trimEnd().split('\n').at(-1) || 'nothing in its log says why'
    super(failureIn(log) ?? `PostgreSQL did not start (exit code ${exitCode}): ${lastLine}`)
  }
}
