/**
 * How numbers, amounts of money and dates are written in a locale, as c/locale/conventions.c reads it: texts with a NUL
 * behind each, and for money numbers of a byte. What a source does not say is what localedef puts there.
 */
import { BuildFailure } from './failure.js'
import { type LocaleSources, unescaped } from './locale-source.js'

/** CHAR_MAX, which stands for a value that the source does not state. */
const UNSAID = 127

/** The values of a category by their keywords: texts or numbers. */
type Values = ReadonlyMap<string, readonly string[]>

function valuesIn(sources: LocaleSources, locale: string, category: string): Values {
  const values = new Map<string, string[]>()
  for (const line of sources.section(locale, category)) {
    const [, keyword, rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
    if (keyword === 'copy') {
      const [, other = ''] = /"(.*)"/.exec(rest) ?? []
      for (const [name, value] of valuesIn(sources, other, category)) values.set(name, [...value])
    } else if (keyword !== undefined)
      values.set(
        keyword,
        [...rest.matchAll(/"([^"]*)"|(-?\d+)/g)].map(([, text, number]) => unescaped(text ?? number!)),
      )
  }
  return values
}

/** Encodes a text; characters that the codeset does not have become question marks. */
export type Encode = (text: string) => Uint8Array

export function monetary(sources: LocaleSources, locale: string, encode: Encode): Buffer {
  const values = valuesIn(sources, locale, 'LC_MONETARY')
  const text = (keyword: string) => terminated(encode(values.get(keyword)?.[0] ?? ''))
  const number = (keyword: string, otherwise = UNSAID) => {
    const value = Number(values.get(keyword)?.[0] ?? otherwise)
    return value === -1 ? UNSAID : value
  }
  const both = ['cs_precedes', 'sep_by_space'].flatMap(what => [`p_${what}`, `n_${what}`])
  const order = [both[0]!, both[2]!, both[1]!, both[3]!, 'p_sign_posn', 'n_sign_posn']
  return Buffer.concat([
    ...['int_curr_symbol', 'currency_symbol', 'mon_decimal_point', 'mon_thousands_sep'].map(text),
    grouping(values.get('mon_grouping')),
    ...['positive_sign', 'negative_sign'].map(text),
    Buffer.from([number('int_frac_digits'), number('frac_digits')]),
    Buffer.from(order.map(keyword => number(keyword))),
    Buffer.from(order.map(keyword => number(`int_${keyword}`, number(keyword)))),
  ])
}

export function numeric(sources: LocaleSources, locale: string, encode: Encode): Buffer {
  const values = valuesIn(sources, locale, 'LC_NUMERIC')
  const text = (keyword: string) => terminated(encode(values.get(keyword)?.[0] ?? ''))
  return Buffer.concat([text('decimal_point'), text('thousands_sep'), grouping(values.get('grouping'))])
}

/** The keywords in the order of nl_langinfo()'s items, each with its number of texts. */
const TIME: Readonly<Record<string, number>> = {
  abday: 7,
  day: 7,
  abmon: 12,
  mon: 12,
  am_pm: 2,
  d_t_fmt: 1,
  d_fmt: 1,
  t_fmt: 1,
  t_fmt_ampm: 1,
}
/** The items behind them: eras and digits, which PostgreSQL does not ask for. */
const NO_ERAS = 6

export function time(sources: LocaleSources, locale: string, encode: Encode): Buffer {
  const values = valuesIn(sources, locale, 'LC_TIME')
  const texts = Object.entries(TIME).flatMap(([keyword, count]) => {
    const found = values.get(keyword) ?? []
    if (found.length < count && keyword !== 'am_pm' && keyword !== 't_fmt_ampm')
      throw new BuildFailure(`the locale ${locale} has ${found.length} of ${count} values of ${keyword}`)
    return Array.from({ length: count }, (_, i) => terminated(encode(found[i] ?? '')))
  })
  return Buffer.concat([...texts, Buffer.alloc(NO_ERAS)])
}

/** Group sizes. "No further groups" is CHAR_MAX; 0, which would end the text, is written as 255. */
function grouping(sizes: readonly string[] = []): Buffer {
  return terminated(Buffer.from(sizes.map(size => (size === '-1' ? UNSAID : Number(size) || 255))))
}

const terminated = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(1)])
