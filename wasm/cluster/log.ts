/**
 * PostgreSQL's log as lines of text: which of them are chatter, and what in them says why a server did not start. Lines
 * look as log_line_prefix says, with the severity and two spaces behind it.
 */
import type { LogFormat } from '../machine/log-collector.js'

const ENTRY = /(?:^|\s)(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC): {2}(.*)$/
const HINT = /(?:^|\s)HINT: {2}(.*)$/
const FURTHER = /^\t|(?:^|\s)(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE): {2}/

/**
 * What kept PostgreSQL from starting, in one line, going by the last FATAL or PANIC in its log, else by the last ERROR;
 * undefined when there is none. An error of the configuration file is logged before, with severity LOG.
 */
export function failureIn(log: string): string | undefined {
  const lines = log.split('\n')
  const found = findLast(lines, /(?:^|\s)(?:FATAL|PANIC): {2}/) ?? findLast(lines, /(?:^|\s)ERROR: {2}/)
  if (found === undefined) return undefined
  const message = ENTRY.exec(lines[found]!)?.[2] ?? lines[found]!
  if (/configuration file .* contains errors/.test(message)) {
    const cause = lines.find(line => /LOG: {2}.*(parameter|syntax error)/.test(line))
    if (cause !== undefined) return `${message}: ${ENTRY.exec(cause)?.[2] ?? cause}`
  }
  const next = lines[found + 1]
  const hint = next === undefined ? undefined : HINT.exec(next)?.[1]
  return hint === undefined ? message : `${message} (${hint})`
}

function findLast(lines: readonly string[], pattern: RegExp): number | undefined {
  const index = lines.findLastIndex(line => pattern.test(line))
  return index === -1 ? undefined : index
}

/**
 * A log without what PostgreSQL always says when it starts and stops: entries of severity LOG at those times. All else
 * passes, warnings and errors at any time, each with the lines that belong to it. What passes while the server starts is held
 * until it has started, for if it does not, the error that is thrown says why.
 */
export class TerseLog {
  readonly #write: (line: string) => void
  #state: 'starting' | 'running' | 'stopping' = 'starting'
  #passing = false
  #held: string[] = []

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  /** @param format 'stderr', or 'output': that which is no entry of a log also passes at any time */
  add(line: string, format: LogFormat): void {
    if (!FURTHER.test(line)) {
      const severity = ENTRY.exec(line)?.[1]
      if (severity !== undefined) this.#passing = this.#state === 'running' || severity !== 'LOG'
      else if (format === 'output') this.#passing = true
    }
    if (!this.#passing) return
    if (this.#state === 'starting') this.#held.push(line)
    else this.#write(line)
  }

  started(): void {
    this.#state = 'running'
    for (const line of this.#held.splice(0)) this.#write(line)
  }

  stopping(): void {
    this.#state = 'stopping'
  }
}
