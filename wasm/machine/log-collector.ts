/**
 * Collects PostgreSQL's log, in the place of its own logging collector: takes what processes write to their standard
 * error apart into entries. What they log comes in chunks (PipeProtoHeader in PostgreSQL's postmaster/syslogger.h; see
 * c/postgres/log.c); all else that they write is taken as it is.
 */
import {
  offsetof,
  PIPE_PROTO_DEST_CSVLOG,
  PIPE_PROTO_DEST_JSONLOG,
  PIPE_PROTO_DEST_STDERR,
  PIPE_PROTO_IS_LAST,
} from './abi.js'

/**
 * Which of PostgreSQL's log_destinations an entry is made for; 'stderr' is plain text, of one or more lines. 'output' is no
 * entry of the log, but what a process wrote beside it or what the host tells of one, that it has crashed for example.
 */
export type LogFormat = 'stderr' | 'csvlog' | 'jsonlog' | 'output'

/** Takes an entry of the log, which ends with a newline. */
export type LogSink = (entry: string, format: LogFormat) => void

/** What a chunk begins with: two zero bytes, the length of its data, the writer's pid, flags. */
const HEADER = offsetof.PipeProtoHeader
const FORMATS: Readonly<Record<number, LogFormat>> = {
  [PIPE_PROTO_DEST_STDERR]: 'stderr',
  [PIPE_PROTO_DEST_CSVLOG]: 'csvlog',
  [PIPE_PROTO_DEST_JSONLOG]: 'jsonlog',
}

export class LogCollector {
  /** By process and flags, what has come of an entry whose end has not. */
  readonly #unfinished = new Map<number, Map<LogFormat, Uint8Array[]>>()
  readonly #decoder = new TextDecoder()

  constructor(readonly sink: LogSink) {}

  /** @param bytes what the process of this slot has written by one call, so either whole chunks or none */
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

  /** The process has ended: what it has not finished will not be finished. */
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

/** What a chunk is for, or undefined when it is none. */
function formatOf(bytes: Uint8Array): LogFormat | undefined {
  if (bytes.length <= HEADER.data || bytes[0] !== 0 || bytes[1] !== 0) return undefined
  return FORMATS[bytes[HEADER.flags]! & ~PIPE_PROTO_IS_LAST]
}

/** An entry in jsonlog's format as it would be in plain text, without a prefix. */
export function textOfEntry(entry: string): string {
  const fields = JSON.parse(entry) as Record<string, string | undefined>
  const { error_severity, message, detail, hint } = fields
  const lines = [`${error_severity}:  ${message}`, detail && `DETAIL:  ${detail}`, hint && `HINT:  ${hint}`]
  return lines.flatMap(line => (line ? [`${line}\n`] : [])).join('')
}
