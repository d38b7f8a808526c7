/**
 * The types of characters and their counterparts in the other case, out of the LC_CTYPE that glibc's localedef has compiled of a
 * locale in UTF-8 (glibc's locale/programs/ld-ctype.c), and what c/locale/characters.c reads of them.
 */
import { readFileSync } from 'node:fs'
import { numberIn } from './c-header.js'
import { BuildFailure } from './failure.js'

/** The values of the file, by number: where among them the tables of the types and of the maps are. */
const CLASS_OFFSET = 17
const MAP_OFFSET = 18

const HEADER = 'locale/characters.h'
const CLASSES = numberIn(HEADER, 'TYPE_COUNT')
const PAGE = 1 << numberIn(HEADER, 'TYPE_PAGE_BITS')

const LAST = 0x10ffff

/** By code point. */
export interface CharacterTypes {
  readonly types: Uint16Array
  readonly lower: Uint32Array
  readonly upper: Uint32Array
}

export function readCharacterTypes(path: string): CharacterTypes {
  const file = readFileSync(path)
  const offset = (value: number) => file.readUInt32LE(8 + 4 * value)
  const number = (value: number) => file.readUInt32LE(offset(value))
  const types = new Uint16Array(LAST + 1)
  for (let type = 0; type < CLASSES; type++)
    readTable(file, offset(number(CLASS_OFFSET) + type), 5, (code, bits) => {
      for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) types[code + bit]! |= 1 << type
    })
  const map = (which: number) => {
    const counterparts = Uint32Array.from({ length: LAST + 1 }, (_, code) => code)
    readTable(file, offset(number(MAP_OFFSET) + which), 0, (code, distance) => {
      counterparts[code] = code + distance
    })
    return counterparts
  }
  return { types, upper: map(0), lower: map(1) }
}

/**
 * A table of three levels: the first two say where the next one is, 0 for nowhere; the last one is by the code point without its
 * `lowest` bits. Calls `found` with what is not 0.
 */
function readTable(
  file: Buffer,
  table: number,
  lowest: number,
  found: (code: number, value: number) => void,
): void {
  const word = (number: number) => file.readUInt32LE(table + 4 * number)
  const [shift1, bound, shift2, mask2, mask3] = [word(0), word(1), word(2), word(3), word(4)]
  for (let first = 0; first < bound; first++) {
    const second = word(5 + first)
    for (let i = 0; second !== 0 && i <= mask2; i++) {
      const third = word(second / 4 + i)
      for (let k = 0; third !== 0 && k <= mask3; k++) {
        const value = file.readInt32LE(table + third + 4 * k)
        if (value !== 0) found(first * 2 ** shift1 + i * 2 ** shift2 + k * 2 ** lowest, value)
      }
    }
  }
}

/** C with the tables that c/locale/characters.h declares. */
export function characterTables({ types, lower, upper }: CharacterTypes): string {
  const combinations = [...new Set(types)]
  if (combinations.length > 16)
    throw new BuildFailure('there are more than 16 combinations of types of characters')
  let end = LAST + 1
  // The last code points are all for private use, and of one kind, so the tables end before them.
  while (types[end - 1] === 0) end--
  const pages = new Map<string, number>()
  const index: number[] = []
  for (let start = 0; start < end; start += PAGE) {
    const page = Array.from({ length: PAGE / 2 }, (_, i) => {
      const of = (code: number) => combinations.indexOf(types[code] ?? 0)
      return of(start + 2 * i) | (of(start + 2 * i + 1) << 4)
    }).join()
    if (!pages.has(page)) pages.set(page, pages.size)
    index.push(pages.get(page)!)
  }
  if (pages.size > 256) throw new BuildFailure('there are more than 256 kinds of pages of characters')
  return [
    '#include "locale/characters.h"',
    `const uint16_t type_combinations[] = {${combinations}};`,
    `const uint8_t type_pages[][1 << (TYPE_PAGE_BITS - 1)] = {${[...pages.keys()].map(page => `{${page}}`).join(',\n')}};`,
    `const uint8_t type_index[] = {${index}};`,
    `const uint32_t type_end = ${end};`,
    caseRanges('lower', lower),
    caseRanges('upper', upper),
    '',
  ].join('\n')
}

function caseRanges(name: string, counterparts: Uint32Array): string {
  const ranges: { first: number; last: number; step: number; offset: number }[] = []
  counterparts.forEach((other, code) => {
    const offset = other - code
    if (offset === 0) return
    const last = ranges.at(-1)
    const step = last === undefined ? 0 : code - last.last
    if (last?.offset === offset && (step === last.step || (last.first === last.last && step <= 2))) {
      last.step = step
      last.last = code
    } else ranges.push({ first: code, last: code, step: 1, offset })
  })
  const rows = ranges.map(({ first, last, step, offset }) => `{${first},${last},${step},${offset}}`)
  return `const struct case_range ${name}_ranges[] = {${rows.join(',')}};\nconst uint32_t ${name}_range_count = ${ranges.length};`
}

/** Where a locale differs from the common tables: struct character_change of c/locale/file.h. */
export function changesOf(common: CharacterTypes, own: CharacterTypes): Buffer {
  const changes: number[] = []
  for (let code = 0; code <= LAST; code++) {
    const { types, lower, upper } = own
    if (
      types[code] !== common.types[code] ||
      lower[code] !== common.lower[code] ||
      upper[code] !== common.upper[code]
    )
      changes.push(code, types[code]!, lower[code]!, upper[code]!)
  }
  return Buffer.from(Uint32Array.from(changes).buffer)
}
