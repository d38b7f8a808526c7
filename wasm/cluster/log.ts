/**
 * PostgreSQL's log as lines of text: which of them a terse log leaves out, and which says why a server did not start. A line has
 * log_line_prefix, the severity, a colon, two spaces, and the message.
 */
import type { LogFormat } from '../machine/log-collector.js'

const ENTRY = /(?:^|\s)(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC): {2}(.*)$/
const HINT = /(?:^|\s)HINT: {2}(.*)$/
const FURTHER = /^\t|(?:^|\s)(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE): {2}/

/**
 * Why PostgreSQL did not start, in one line: the last FATAL or PANIC in its log, else the last ERROR; undefined if there is
 * none. If it names the configuration file, an earlier line of severity LOG has the cause.
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

/** What every start and shutdown logs. */
const CHATTER =
  /^(starting PostgreSQL|listening on|database system (was shut down at|is shut down)|shutting down|redirecting log)/

/** How many lines of a log's end tell enough. */
const END = 20

/** The end of a log that has more to tell than failureIn() does: an entry that is neither that one nor chatter. */
export function unexplained(log: string): string[] {
  const lines = log.trimEnd().split('\n')
  const told = failureIn(log)
  const tells = lines.some(line => {
    const message = ENTRY.exec(line)?.[2]
    return message !== undefined && !CHATTER.test(message) && !told?.startsWith(message)
  })
  return tells || told === undefined ? lines.slice(-END) : []
}

function findLast(lines: readonly string[], pattern: RegExp): number | undefined {
  const index = lines.findLastIndex(line => pattern.test(line))
  return index === -1 ? undefined : index
}

/**
 * A log without the usual messages of start and stop: it drops entries of severity LOG at those times. All other entries pass,
 * each with the lines that belong to it. Entries of a start are held until the server has started. If it does not start, they
 * are dropped, because the error that startServer() throws says why.
 */
export class TerseLog {
  readonly #write: (line: string) => void
  #state: 'starting' | 'running' | 'stopping' = 'starting'
  #passing = false
  #held: string[] = []

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  /** @param format 'stderr', or 'output' for text that is no log entry, which always passes */
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
