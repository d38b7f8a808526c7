/** The codesets of locales that are not in UTF-8, from glibc's charmaps (charmap(5)), as c/locale/codeset.c reads them. */
import type { Encode } from './locale-conventions.js'

/** Code points by the bytes of a character, as a number whose highest byte is the first. */
export type Codeset = ReadonlyMap<number, number>

/**
 * The codesets that PostgreSQL accepts as encodings of a server. No database can have another one, so the build leaves out their locales;
 * it also leaves out EUC-TW, whose table would be as large as all others together.
 */
export const CODESETS = [
  ...['ISO-8859-1', 'ISO-8859-2', 'ISO-8859-3', 'ISO-8859-5', 'ISO-8859-6', 'ISO-8859-7', 'ISO-8859-8'],
  ...['ISO-8859-9', 'ISO-8859-10', 'ISO-8859-13', 'ISO-8859-14', 'ISO-8859-15'],
  ...['CP1251', 'CP1255', 'KOI8-R', 'KOI8-U', 'EUC-JP', 'EUC-KR', 'GB2312'],
]

const LINE = /^<U([0-9A-F]{4,8})>(?:\.\.<U([0-9A-F]{4,8})>)?\s+((?:\/x[0-9a-f]{2})+)/gm

/** Reads a charmap. Lines that say how to decode only, or only to encode, are not taken. */
export function readCodeset(charmap: string): Codeset {
  const codeset = new Map<number, number>()
  for (const [, first, last = first, bytes] of charmap.matchAll(LINE)) {
    const code = Number.parseInt(bytes!.replaceAll('/x', ''), 16)
    const [from, to] = [first, last].map(text => Number.parseInt(text!, 16))
    for (let point = from!; point <= to!; point++) codeset.set(code + point - from!, point)
  }
  return codeset
}

export function codesetPart(codeset: Codeset): Buffer {
  const single = new Uint16Array(256)
  const several: [number, number][] = []
  for (const [code, point] of codeset)
    if (code < 256) single[code] = point
    else several.push([code, point])
  several.sort(([a], [b]) => a - b)
  const numbers = [several.length, ...several.map(([code]) => code), ...several.map(([, point]) => point)]
  return Buffer.concat([Buffer.from(single.buffer), Buffer.from(Uint32Array.from(numbers).buffer)])
}

export function encoderOf(codeset: Codeset): Encode {
  const codes = new Map([...codeset].map(([code, point]) => [point, code]))
  const bytesOf = (code: number): number[] =>
    code < 256 ? [code] : [...bytesOf(Math.floor(code / 256)), code % 256]
  return text =>
    Uint8Array.from([...text].flatMap(character => bytesOf(codes.get(character.codePointAt(0)!) ?? 63)))
}
