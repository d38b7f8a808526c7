/**
 * PostgreSQL's log as lines of text: which of them are chatter, and what in them says why a server did not start. Lines
 * look as log_line_prefix says, with the severity and two spaces behind it.
 */

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
 * Leaves out of a log what PostgreSQL always says when it starts and stops: entries of severity LOG while `chatting()`. All
 * else passes, warnings and errors at any time, with the lines that belong to them.
 */
export function withoutChatter(
  write: (line: string) => void,
  chatting: () => boolean,
): (line: string) => void {
  let passing = true
  return line => {
    const severity = ENTRY.exec(line)?.[1]
    if (severity !== undefined && !FURTHER.test(line)) passing = severity !== 'LOG' || !chatting()
    if (passing) write(line)
  }
}
