/**
 * A collation as glibc's localedef has compiled it: the LC_COLLATE of a locale in UTF-8, read into what each sequence of
 * characters weighs. The file's format is that of glibc's locale/programs/ld-collate.c: after a number that names it and the count
 * of its values, the offset of each value from the file's beginning.
 *
 * The code asserts what c/locale/collation.c relies on: a character that is not listed has the weights of a lone byte.
 */
import { readFileSync } from 'node:fs'
import { BuildFailure } from './failure.js'

/** The weights of a sequence of characters. */
export interface Element {
  /** Which of the collation's rulesets its levels are compared by. */
  readonly ruleset: number
  /** Weights on each level; they are compared with those on the same level only. */
  readonly levels: readonly (readonly number[])[]
}

export interface Collation {
  /** For each ruleset the rule of each level: bits of FORWARD, BACKWARD, POSITION. */
  readonly rulesets: readonly (readonly number[])[]
  /** By sequence: a character, or several that are sorted as one. */
  readonly elements: ReadonlyMap<string, Element>
  /** The weights of a byte that begins no sequence. */
  readonly undefined: Element
}

/** The values of the file, by number. */
const NRULES = 0
const RULESETS = 1
const TABLE = 2
const WEIGHTS = 3
const EXTRA = 4
const INDIRECT = 5

const aligned = (offset: number) => (offset + 3) & ~3

export function readCollation(path: string): Collation {
  const file = readFileSync(path)
  const count = file.readUInt32LE(4)
  const offset = (value: number) => (value < count ? file.readUInt32LE(8 + 4 * value) : file.length)
  const value = (number: number) => file.subarray(offset(number), offset(number + 1))

  const levels = file.readUInt32LE(offset(NRULES))
  const weights = value(WEIGHTS)
  const elementAt = (index: number): Element => {
    let at = index & 0xffffff
    const found = Array.from({ length: levels }, () => {
      const length = weights[at]!
      at += 1 + length
      return numbers(weights.subarray(at - length, at))
    })
    return { ruleset: index >>> 24, levels: found }
  }

  const elements = new Map<string, Element>()
  const add = (bytes: Uint8Array, index: number) => {
    const sequence = Buffer.from(bytes).toString()
    // localedef counts some ranges of the charmap beyond what a last byte may be.
    if (!Buffer.from(sequence).equals(bytes)) return
    if (index === 0) throw new BuildFailure(`${path} does not say what "${sequence}" weighs`)
    elements.set(sequence, elementAt(index))
  }
  for (let first = 1; first < 256; first++)
    readSequences(first, value(TABLE).readInt32LE(4 * first), value(EXTRA), value(INDIRECT), add)
  const used = Math.max(...[...elements.values()].map(element => element.ruleset))
  const rules = value(RULESETS)
  const rulesets = Array.from({ length: used + 1 }, (_, set) => [
    ...rules.subarray(set * levels, (set + 1) * levels),
  ])
  return { rulesets, elements, undefined: elementAt(0) }
}

/** The sequences that begin with this byte. An index below 0 leads to a list of them, of which the first that matches counts. */
function readSequences(
  first: number,
  index: number,
  extra: Buffer,
  indirect: Buffer,
  add: (bytes: Uint8Array, index: number) => void,
): void {
  if (index >= 0) {
    if (index > 0) add(Uint8Array.of(first), index)
    return
  }
  for (let at = -index; ; ) {
    const found = extra.readInt32LE(at)
    const length = extra[at + 4]!
    const rest = extra.subarray(at + 5, at + 5 + length)
    if (found >= 0) {
      // The last one, which has no further bytes, is for all others.
      if (length > 0 || found > 0) add(Buffer.concat([Uint8Array.of(first), rest]), found)
      if (length === 0) return
      at = aligned(at + 5 + length)
    } else {
      const last = extra.subarray(at + 5 + length, at + 5 + 2 * length)
      const count = distance(rest, last)
      for (let i = 0; i <= count; i++) add(plus(first, rest, i), indirect.readInt32LE(4 * (i - found)))
      at = aligned(at + 5 + 2 * length)
    }
  }
}

const distance = (from: Uint8Array, to: Uint8Array) =>
  from.reduce((sum, byte, i) => sum * 256 + to[i]! - byte, 0)

/** The bytes that many after these, as a number with 256 digits is counted up. */
function plus(first: number, rest: Uint8Array, count: number): Uint8Array {
  const bytes = Uint8Array.of(first, ...rest)
  for (let i = bytes.length - 1, carry = count; carry > 0; i--) {
    carry += bytes[i]!
    bytes[i] = carry & 255
    carry >>= 8
  }
  return bytes
}

/** Weights are written as UTF-8 writes characters, in up to six bytes. */
function numbers(bytes: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]!
    const length = lead < 0x80 ? 1 : Math.clz32(~(lead << 24))
    let number = length === 1 ? lead : lead & (0x7f >> length)
    for (let i = 1; i < length; i++) number = (number << 6) | (bytes[at + i]! & 0x3f)
    found.push(number)
    at += length
  }
  return found
}
