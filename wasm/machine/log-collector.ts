/**
 * Collects PostgreSQL's log in place of its own logging collector: splits what processes write to their standard
 * error into entries. Log entries come in chunks (PipeProtoHeader in PostgreSQL's postmaster/syslogger.h; see
 * c/postgres/log.c). All other text is passed on as it is.
 */
import {
  offsetof,
  PIPE_PROTO_DEST_CSVLOG,
  PIPE_PROTO_DEST_JSONLOG,
  PIPE_PROTO_DEST_STDERR,
  PIPE_PROTO_IS_LAST,
} from './postgres-abi.js'

/**
 * An entry's format, by the log_destination that it is for. 'stderr' is plain text of one or more lines. 'output' is no log
 * entry, but other text of a process, or a message of the host's, for example about a crash.
 */
export type LogFormat = 'stderr' | 'csvlog' | 'jsonlog' | 'output'

/** Called with an entry, which ends with a newline. */
export type LogSink = (entry: string, format: LogFormat) => void

/** A chunk's header: two zero bytes, the length of its data, the writer's PID, flags. */
const HEADER = offsetof.PipeProtoHeader
const FORMATS: Readonly<Record<number, LogFormat>> = {
  [PIPE_PROTO_DEST_STDERR]: 'stderr',
  [PIPE_PROTO_DEST_CSVLOG]: 'csvlog',
  [PIPE_PROTO_DEST_JSONLOG]: 'jsonlog',
}

export class LogCollector {
  /** Parts of incomplete entries, by slot and format. */
  readonly #unfinished = new Map<number, Map<LogFormat, Uint8Array[]>>()
  readonly #decoder = new TextDecoder()

  constructor(readonly sink: LogSink) {}

  /** @param bytes what the process of this slot has written by one call: whole chunks, or other text */
  add(slot: number, bytes: Uint8Array): void {
    const format = formatOf(bytes)
    if (format === undefined) {
      this.sink(this.#decoder.decode(bytes), 'output')
      return
    }
    const parts = this.#parts(slot, format)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const end = HEADER.data + view.getUint16(HEADER.len, true)
    parts.push(bytes.subarray(HEADER.data, end))
    if ((view.getUint8(HEADER.flags) & PIPE_PROTO_IS_LAST) !== 0) this.#finish(slot, format)
    if (end < bytes.length) this.add(slot, bytes.subarray(end))
  }

  /** To be called when the process has ended: passes on its incomplete entries. */
  end(slot: number): void {
    for (const format of [...(this.#unfinished.get(slot)?.keys() ?? [])]) this.#finish(slot, format)
    this.#unfinished.delete(slot)
  }

  #parts(slot: number, format: LogFormat): Uint8Array[] {
    const formats = this.#unfinished.get(slot) ?? new Map<LogFormat, Uint8Array[]>()
    const parts = formats.get(format) ?? []
    this.#unfinished.set(slot, formats.set(format, parts))
    return parts
  }

  #finish(slot: number, format: LogFormat): void {
    const entry = this.#parts(slot, format).map(part => this.#decoder.decode(part, { stream: true }))
    this.#unfinished.get(slot)?.delete(format)
    this.sink(entry.join('') + this.#decoder.decode(), format)
  }
}

/** The format of a chunk's entry, or undefined if this is no chunk. */
function formatOf(bytes: Uint8Array): LogFormat | undefined {
  if (bytes.length <= HEADER.data || bytes[0] !== 0 || bytes[1] !== 0) return undefined
  return FORMATS[bytes[HEADER.flags]! & ~PIPE_PROTO_IS_LAST]
}

/** A jsonlog entry as plain text, without log_line_prefix. */
export function textOfEntry(entry: string): string {
  const fields = JSON.parse(entry) as Record<string, string | undefined>
  const { error_severity, message, detail, hint } = fields
  const lines = [`${error_severity}:  ${message}`, detail && `DETAIL:  ${detail}`, hint && `HINT:  ${hint}`]
  return lines.flatMap(line => (line ? [`${line}\n`] : [])).join('')
}
