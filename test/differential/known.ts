/** Differences that are known, each with its reason. Any other one fails the run. */
import type { Answer } from './servers.js'

interface Known {
  readonly reason: string
  /** Of a statement's answers here and natively, which differ. */
  readonly is: (statement: string, ours: Answer, native: Answer) => boolean
}

/** Functions whose last digit is the C library's, and those that show all bits of a number. */
const INEXACT =
  /\b(a?(?:sin|cos|tan)[dh]?|a(?:sin|cos|tan)h|atan2d?|cotd?|d?exp|d?log(?:10?)?|ln|d?cbrt|d?pow(?:er)?|d?sqrt|erfc?|l?gamma|polygon|poly_center|degrees|radians)\(|\^|\|\|\//
/** What makes a whole number of an inexact one, and thereby a whole of its last digit. */
const WHOLE = /\b(d?(?:ceil(?:ing)?|floor|round|trunc)|int[248])\(|::(?:int|bigint|smallint)/
const ALL_BITS = /hash|_send|send\(|md5|sha\d|to_char|width_bucket|::text|@@/

const messageOf = (answer: Answer) => ('message' in answer ? answer.message : '')
const both = (pattern: RegExp, ...answers: Answer[]) =>
  answers.every(answer => pattern.test(messageOf(answer)))

export const KNOWN: readonly Known[] = [
  {
    reason:
      'last digits of functions like exp, ln, cbrt, power, sin, erf, gamma: musl computes them, natively glibc',
    is: (statement, ours, native) =>
      sameButForLastDigits(ours, native, {
        scale: INEXACT.test(statement) ? 1 : 0,
        whole: INEXACT.test(statement) && WHOLE.test(statement),
      }) ||
      ('rows' in ours && 'rows' in native && INEXACT.test(statement) && ALL_BITS.test(statement)),
  },
  {
    reason: 'the size that an error tells of more memory than there can be: sizes have 32 bits',
    is: (_, ours, native) => both(/^invalid memory alloc request size \d+$/, ours, native),
  },
  {
    reason:
      'which of two errors in one C expression comes first, an overflow or an underflow: C leaves the order open, and the compilers differ',
    is: (_, ours, native) => both(/^value out of range: (over|under)flow$/, ours, native),
  },
  {
    reason:
      'which row fails first of a catalog: how large its files are depends on what was rolled back, and the size of hash tables on that',
    is: (statement, ours, native) =>
      /\b(pg_|information_schema)/.test(statement) && sameButForValues(ours, native),
  },
]

export function reasonFor(statement: string, ours: Answer, native: Answer): string | undefined {
  return KNOWN.find(known => known.is(statement, ours, native))?.reason
}

/** Whether both are the same error, but for what the message quotes. */
function sameButForValues(ours: Answer, native: Answer): boolean {
  if (!('code' in ours && 'code' in native) || ours.code !== native.code) return false
  const [one, other] = [ours, native].map(({ message }) => message.replace(/"[^"]*"|\d+/g, '#'))
  return one === other
}

const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi
/** Relative, a few units in the last place of a float8. */
const NEAR = 1e-13

interface Inexact {
  /** What the numbers were computed of, which may cancel out. */
  readonly scale: number
  /** Whether they may have been made whole, and then are neighbours. */
  readonly whole: boolean
}

function sameButForLastDigits(ours: Answer, native: Answer, { scale, whole }: Inexact): boolean {
  if (!('rows' in ours && 'rows' in native)) return false
  const [one, other] = [ours, native].map(({ rows }) => JSON.stringify(rows))
  if (one!.replace(NUMBER, '#') !== other!.replace(NUMBER, '#')) return false
  const numbers = [...one!.matchAll(NUMBER)].map(Number)
  const others = [...other!.matchAll(NUMBER)].map(Number)
  return numbers.every((number, i) => {
    const second = others[i]!
    return (
      number === second ||
      (whole && Number.isInteger(number) && Math.abs(number - second) === 1) ||
      Math.abs(number - second) <= NEAR * Math.max(Math.abs(number), Math.abs(second), scale)
    )
  })
}
