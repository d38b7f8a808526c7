/**
 * Converts PostgreSQL's values to JSON's, for clients by HTTP that do not ask for text: numbers and booleans become JSON's own, json stays
 * as it is, arrays of all of these become lists, and other values are strings with PostgreSQL's text (pg_text_to_json() in Neon's proxy).
 */

const BOOL = 16
/** int2, int4, oid, float4, float8. Values of int8 may be larger than JavaScript's numbers can represent. */
const NUMBERS = [21, 23, 26, 700, 701]
const JSON_TYPES = [114, 3802]
/** Array types, each with the type of its elements. */
const ARRAYS: Readonly<Record<number, number>> = {
  1000: BOOL,
  1005: 21,
  1007: 23,
  1016: 20,
  1021: 700,
  1022: 701,
  1009: 25,
  1015: 1043,
  1231: 1700,
  199: 114,
  3807: 3802,
  2951: 2950,
}

/** @param type the oid of the value's type */
export function jsonOf(text: string | null, type: number): unknown {
  if (text === null) return null
  if (type === BOOL) return text === 't'
  if (NUMBERS.includes(type)) return Number.isFinite(Number(text)) ? Number(text) : text
  if (JSON_TYPES.includes(type)) return JSON.parse(text)
  const element = ARRAYS[type]
  return element === undefined ? text : listOf(text, element)
}

const QUOTED = /"((?:[^"\\]|\\.)*)"/sy
const PLAIN = /([^,}]*)/y

/** PostgreSQL documentation, "Array Input and Output Syntax". */
function listOf(text: string, element: number): unknown[] {
  // Before the elements there may be bounds, if they are not the usual ones.
  let at = text.indexOf('{')
  const list = (): unknown[] => {
    const values: unknown[] = []
    at++
    while (text[at] !== '}') {
      if (text[at] === ',') at++
      values.push(text[at] === '{' ? list() : value())
    }
    at++
    return values
  }
  const next = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const [, inside = ''] = pattern.exec(text) ?? []
    at = pattern.lastIndex
    return inside
  }
  const value = (): unknown => {
    if (text[at] === '"') {
      return jsonOf(next(QUOTED).replace(/\\(.)/gs, '$1'), element)
    }
    const plain = next(PLAIN)
    return jsonOf(plain === 'NULL' ? null : plain, element)
  }
  return list()
}
