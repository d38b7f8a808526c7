/**
 * How PostgreSQL and libpq prepare a password before it is hashed for SCRAM (SASLprep, RFC 4013; src/common/saslprep.c), so that it
 * may be typed in different ways.
 */
import {
  LEFT_TO_RIGHT,
  MAPPED_TO_NOTHING,
  NON_ASCII_SPACE,
  PROHIBITED,
  RIGHT_TO_LEFT,
  UNASSIGNED,
} from './saslprep-tables.js'

/** Whether a code point is in one of a table's ranges. */
function isIn(table: string, point: number): boolean {
  let first = 0
  for (const range of table.split(' ')) {
    const [gap, more = '0'] = range.split(':')
    first += Number.parseInt(gap!, 36)
    const last = first + Number.parseInt(more, 36)
    if (point <= last) return point >= first
    first = last + 1
  }
  return false
}

/** The prepared password. A password that RFC 4013 refuses stays as it is, as in PostgreSQL. */
export function saslprep(password: string): string {
  if (/^\p{ASCII}*$/u.test(password)) return password
  const points = Array.from(password, character => character.codePointAt(0)!)
    .map(point => (isIn(NON_ASCII_SPACE, point) ? 0x20 : point))
    .filter(point => !isIn(MAPPED_TO_NOTHING, point))
  if (points.length === 0 || isRefused(points)) return password
  return String.fromCodePoint(...points).normalize('NFKC')
}

function isRefused(points: readonly number[]): boolean {
  const some = (table: string) => points.some(point => isIn(table, point))
  // Half of a surrogate pair is prohibited as well.
  if (some(PROHIBITED) || some(UNASSIGNED)) return true
  if (!some(RIGHT_TO_LEFT)) return false
  return some(LEFT_TO_RIGHT) || !isIn(RIGHT_TO_LEFT, points[0]!) || !isIn(RIGHT_TO_LEFT, points.at(-1)!)
}
