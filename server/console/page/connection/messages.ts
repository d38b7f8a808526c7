/** What the messages of the backend say, and those of the page: PostgreSQL documentation, "Message Formats". */
import { uint32 } from '../../../../wasm/protocol/bytes.js'
import { CANCEL_REQUEST, message } from '../../../../wasm/protocol/messages.js'
import { Reader } from './reader.js'

/** A column of a result. */
export interface Field {
  readonly name: string
  readonly type: number
  readonly modifier: number
}

/** An error or a notice of the server. */
export interface Report {
  readonly severity: string
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly where?: string | undefined
  /** Where in the statement it is, in characters, counted from 1. */
  readonly position?: number | undefined
}

/** An error of the server. */
export class ServerError extends Error {
  override name = 'ServerError'

  constructor(readonly report: Report) {
    super(report.message)
  }
}

export function fieldsIn(body: Uint8Array): Field[] {
  const reader = new Reader(body)
  return Array.from({ length: reader.int16() }, () => {
    const name = reader.text()
    reader.bytes(6)
    const type = reader.uint32()
    reader.bytes(2)
    const modifier = reader.int32()
    reader.bytes(2)
    return { name, type, modifier }
  })
}

export function reportIn(body: Uint8Array): Report {
  const reader = new Reader(body)
  const fields = new Map<string, string>()
  for (let type = reader.byte(); type !== 0; type = reader.byte())
    fields.set(String.fromCharCode(type), reader.text())
  const position = fields.get('P')
  return {
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    code: fields.get('C') ?? '',
    message: fields.get('M') ?? '',
    detail: fields.get('D'),
    hint: fields.get('H'),
    where: fields.get('W'),
    position: position === undefined ? undefined : Number(position),
  }
}

const SHORT_ZERO = Uint8Array.of(0, 0)

/** Asks for a statement's result, up to so many rows. All values come as text. */
export const parse = (sql: string) => message('P', '\0', sql, '\0', SHORT_ZERO)
export const bind = () => message('B', '\0\0', SHORT_ZERO, SHORT_ZERO, SHORT_ZERO)
export const describe = () => message('D', 'P\0')
export const execute = (rows: number) => message('E', '\0', uint32(rows))
export const flush = () => message('H')
export const sync = () => message('S')
export const terminate = () => message('X')
export const copyFail = (reason: string) => message('f', reason, '\0')
export const cancelRequest = (key: Uint8Array) => message('', uint32(CANCEL_REQUEST), key)
