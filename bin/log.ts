/** What the command line prints of the log, and how: as text for people, or as a JSON object on each line for programs. */
import type { LogFormat } from '../server/index.js'
import { TerseLog } from '../wasm/cluster/log.js'

export interface LogOptions {
  logFormat: 'text' | 'json'
  quiet?: true
  verbose?: true
}

/** Where the log of a server goes. */
export interface Log {
  /** As startServer() takes it. */
  readonly sink: false | ((line: string, format: LogFormat) => void)
  /** Settings of PostgreSQL that this log needs; -c options override them. */
  readonly settings: Readonly<Record<string, string>>
  /** The same; configuration files override them, too. */
  readonly defaults: Readonly<Record<string, string>>
  started(): void
  stopping(): void
  /** What the command line itself does. */
  note(message: string): void
  /**
   * The server could not be started.
   *
   * @param rest further lines of PostgreSQL's log, with details
   */
  failed(message: string, rest?: readonly string[]): void
}

export function makeLog(options: LogOptions): Log {
  return options.logFormat === 'json' ? jsonLog(options) : textLog(options)
}

const write = (line: string) => void process.stderr.write(`${line}\n`)

function textLog({ quiet, verbose }: LogOptions): Log {
  const terse = new TerseLog(write)
  const filtered = (line: string, format: LogFormat) =>
    format === 'stderr' || format === 'output' ? terse.add(line, format) : write(line)
  return {
    sink: quiet ? false : verbose ? write : filtered,
    settings: {},
    // Most users do not want to see every checkpoint.
    defaults: verbose ? { log_min_messages: 'info' } : { log_checkpoints: 'off' },
    started: () => terse.started(),
    stopping: () => terse.stopping(),
    note: message => quiet || write(`pglite-imports-server: ${message}`),
    failed(message, rest = []) {
      write(`pglite-imports-server: ${message}`)
      if (verbose || quiet || rest.length === 0) return
      write("The end of PostgreSQL's log:")
      for (const line of rest) write(`  ${line}`)
    },
  }
}

/** PostgreSQL's own jsonlog, all of it. While the postmaster starts it logs each entry as text as well, which is dropped. */
function jsonLog({ quiet, verbose }: LogOptions): Log {
  const sink = (line: string, format: LogFormat) => {
    if (format === 'output') write(hostEntry('LOG', line))
    else if (format !== 'stderr') write(line)
  }
  return {
    sink: quiet ? false : sink,
    settings: { log_destination: 'jsonlog' },
    defaults: verbose ? { log_min_messages: 'info' } : {},
    started() {},
    stopping() {},
    note: message => quiet || write(hostEntry('LOG', message)),
    failed: message => write(hostEntry('FATAL', message)),
  }
}

/** A message of the host's, with the fields of PostgreSQL's entries. */
function hostEntry(error_severity: string, message: string): string {
  const timestamp = new Date().toISOString().replace('T', ' ').replace('Z', ' UTC')
  return JSON.stringify({ timestamp, pid: process.pid, error_severity, message, backend_type: 'host' })
}
