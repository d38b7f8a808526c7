/**
 * PostgreSQL's log as lines of text: which of them a terse log leaves out, and which says why a server did not start. A line has
 * log_line_prefix, the severity, a colon, two spaces, and the message.
 */
import type { LogFormat } from '../machine/log-collector.js'

const ENTRY = /(?:^|\s)(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC): {2}(.*)$/
const HINT = /(?:^|\s)HINT: {2}(.*)$/
const FURTHER = /^\t|(?:^|\s)(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE): {2}/

/** What an entry about a configuration file says of the place, unless its message has it; and one about a file that cannot be read. */
const PLACE = /(?:^|\s)CONTEXT: {2}line (\d+) of configuration file (".*")$/
const NO_FILE = /^could not open (?:configuration )?file "/

/**
 * Why PostgreSQL did not start, in one line: the last FATAL or PANIC in its log, else the last ERROR; undefined if there is
 * none. If it is about a configuration file, an earlier entry of severity LOG has the cause.
 */
export function failureIn(log: string): string | undefined {
  const lines = log.split('\n')
  const found = findLast(lines, /(?:^|\s)(?:FATAL|PANIC): {2}/) ?? findLast(lines, /(?:^|\s)ERROR: {2}/)
  if (found === undefined) return undefined
  const message = ENTRY.exec(lines[found]!)?.[2] ?? lines[found]!
  if (/^could not load|configuration file .* contains errors/.test(message)) {
    const cause = errorInFile(lines.slice(0, found))
    if (cause !== undefined) return `${message}: ${cause}`
  }
  const next = lines[found + 1]
  const hint = next === undefined ? undefined : HINT.exec(next)?.[1]
  return hint === undefined ? message : `${message} (${hint})`
}

/** The first entry that is not chatter, with the place in a file. */
function errorInFile(lines: readonly string[]): string | undefined {
  const first = lines.findIndex(line => {
    const message = ENTRY.exec(line)?.[2]
    return message !== undefined && !CHATTER.test(message)
  })
  if (first === -1) return undefined
  const message = ENTRY.exec(lines[first]!)![2]
  const next = lines.slice(first + 1).findIndex(line => ENTRY.test(line))
  const further = lines.slice(first + 1, next === -1 ? undefined : first + 1 + next)
  const [, number, file] = further.map(line => PLACE.exec(line)).find(Boolean) ?? []
  return number === undefined ? message : `${message} in file ${file} line ${number}`
}

/** Messages that every start and shutdown logs. */
const CHATTER =
  /^(starting PostgreSQL|listening on|database system (was shut down at|is shut down)|shutting down|redirecting log)/

/** How many lines of a log's end to show. */
const END = 20

/** The last lines of a log if it has an entry beside failureIn() and the usual messages, or if failureIn() finds none. Else no lines. */
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
 * A log without the usual messages of start and stop: it drops entries of severity LOG at those times, except those about what is wrong
 * in a configuration file. All other entries pass, each with the lines that belong to it. Entries of a start are held until the server
 * has started. If it does not start, they are dropped, because the error that startServer() throws says why.
 */
export class TerseLog {
  readonly #write: (line: string) => void
  #state: 'starting' | 'running' | 'stopping' = 'starting'
  #passing = false
  #held: string[] = []
  /** The lines of an entry that does not pass, unless a further line is about a configuration file. */
  #dropped: string[] = []

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  /** @param format 'stderr', or 'output' for text that is no log entry, which always passes */
  add(line: string, format: LogFormat): void {
    if (!FURTHER.test(line)) {
      const [, severity, message = ''] = ENTRY.exec(line) ?? []
      this.#dropped = []
      if (severity !== undefined)
        this.#passing = this.#state === 'running' || severity !== 'LOG' || NO_FILE.test(message)
      else if (format === 'output') this.#passing = true
    } else if (!this.#passing && PLACE.test(line)) {
      this.#passing = true
      for (const earlier of this.#dropped) this.#pass(earlier)
    }
    if (this.#passing) this.#pass(line)
    else this.#dropped.push(line)
  }

  #pass(line: string): void {
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
