/**
 * A collation as c/locale/collation.c reads it (c/locale/file.h): either complete, or only its differences from the basic collation,
 * which most languages share.
 */
import { numberIn } from './c-header.js'
import type { Collation, Element } from './collation.js'
import { basicWeights, stepsOf, weightsIn } from './collation-weights.js'
import { BuildFailure } from './failure.js'

const HEADER = 'locale/file.h'
const LEVELS = numberIn(HEADER, 'COLLATION_LEVELS')

/** How many code points a page has. */
const PAGE = 1 << numberIn(HEADER, 'PAGE_BITS')
const PAGES = 0x110000 / PAGE

/** Parts of a slot. The bits below OWN say where the element's weights are. */
const OWN = numberIn(HEADER, 'SLOT_OWN')
const RULESET_SHIFT = numberIn(HEADER, 'SLOT_RULESET_SHIFT')
const SEQUENCES = numberIn(HEADER, 'SLOT_SEQUENCES')

/** The most weights that an element may have on a level. */
const MOST = 15

export class BasicCollation {
  readonly steps: readonly number[]
  readonly #pool = new Pool(2)
  readonly #slots = new Map<string, number>()

  constructor(readonly collation: Collation) {
    this.steps = stepsOf(collation)
    for (const [sequence, element] of [['', collation.undefined] as const, ...collation.elements])
      this.#slots.set(sequence, this.#pool.slot(element))
  }

  part(): Buffer {
    const pages = new Map<number, Uint32Array>()
    const first = firstCharacters(this.collation.elements.keys())
    for (const [sequence, slot] of this.#slots) {
      const [code, ...more] = codes(sequence)
      if (code === undefined || more.length > 0) continue
      const page = pages.get(Math.floor(code / PAGE)) ?? new Uint32Array(PAGE)
      page[code % PAGE] = (slot | (first.has(code) ? SEQUENCES : 0)) >>> 0
      pages.set(Math.floor(code / PAGE), page)
    }
    requireAlone(first, code => this.#slots.has(String.fromCodePoint(code)))
    const index = new Uint16Array(PAGES)
    ;[...pages.keys()].forEach((page, i) => {
      index[page] = i + 1
    })
    return partOf(this.collation, this.steps, [
      words(Uint32Array.of(0, this.#slots.get('')!)),
      sized(sequencesOf(this.collation, first, sequence => this.#slots.get(sequence)!)),
      sized(this.#pool.bytes()),
      Buffer.from(index.buffer),
      words(new Uint32Array(PAGE)),
      ...[...pages.values()].map(words),
    ])
  }

  /** Another collation as its differences from this one; undefined if it differs in most elements. */
  difference(other: Collation): Buffer | undefined {
    if (other.rulesets[0]!.length !== this.steps.length) return undefined
    const inBasic = weightsIn(this.collation, this.steps, other)
    const pool = new Pool(4)
    const slots = new Map<string, number>()
    const slotOf = (sequence: string, element: Element) => {
      const own = inBasic(element)
      const basic = this.collation.elements.get(sequence)
      const same = basic !== undefined && isSame(basicWeights(basic, this.steps), own)
      return same ? this.#slots.get(sequence)! : pool.slot(own) | OWN
    }
    for (const [sequence, element] of other.elements) slots.set(sequence, slotOf(sequence, element))
    const [first, basicFirst] = [other, this.collation].map(({ elements }) =>
      firstCharacters(elements.keys()),
    )
    requireAlone(first!, code => slots.has(String.fromCodePoint(code)))
    const changes: number[] = []
    const differs = new Set<number>()
    for (const sequence of new Set([...slots.keys(), ...this.collation.elements.keys()])) {
      const [code, ...more] = codes(sequence)
      const slot = slots.get(sequence) ?? 0
      const same = this.#slots.get(sequence) === slots.get(sequence)
      if (more.length > 0 && !same) differs.add(code!)
      if (more.length > 0 || (same && first!.has(code!) === basicFirst!.has(code!))) continue
      changes.push(code!, (slot | (first!.has(code!) ? SEQUENCES : 0)) >>> 0)
    }
    if (changes.length / 2 > this.collation.elements.size / 2 && other.elements.size < 20000) return undefined
    const listed = new Map([...first!].filter(([code]) => differs.has(code)))
    return partOf(other, this.steps, [
      words(Uint32Array.of(1, pool.slot(inBasic(other.undefined)) | OWN)),
      sized(sequencesOf(other, listed, sequence => slots.get(sequence)!)),
      sized(pool.bytes()),
      sized(words(Uint32Array.from(changes))),
    ])
  }
}

function isSame(a: Element, b: Element): boolean {
  return (
    a.ruleset === b.ruleset &&
    a.levels.every((weights, level) => {
      const others = b.levels[level]!
      return weights.length === others.length && weights.every((weight, i) => weight === others[i])
    })
  )
}

const textOf = ({ ruleset, levels }: Element) =>
  `${ruleset}:${levels.map(weights => weights.join()).join(';')}`

const codes = (sequence: string) => [...sequence].map(character => character.codePointAt(0)!)

/** Weights of elements, in numbers of so many bytes, with how many there are on each level before them. */
class Pool {
  readonly #numbers: number[] = [0]
  readonly #places = new Map<string, number>()

  constructor(readonly width: 2 | 4) {}

  /** Returns the slot that leads to an element. */
  slot(element: Element): number {
    const { ruleset, levels } = element
    if (levels.some(weights => weights.length > MOST))
      throw new BuildFailure('a character has too many weights')
    const key = textOf({ ruleset: 0, levels })
    let place = this.#places.get(key)
    if (place === undefined) {
      place = this.#numbers.length
      const counts = levels.reduce((sum, weights, level) => sum + weights.length * 16 ** level, 0)
      this.#numbers.push(counts, ...levels.flat())
      this.#places.set(key, place)
    }
    if (place >= OWN || ruleset > 126) throw new BuildFailure('there are too many weights')
    return place | (ruleset << RULESET_SHIFT)
  }

  bytes(): Buffer {
    const numbers = this.width === 2 ? Uint16Array.from(this.#numbers) : Uint32Array.from(this.#numbers)
    if (this.#numbers.some((number, i) => numbers[i] !== number))
      throw new BuildFailure('a weight is too large')
    return Buffer.from(numbers.buffer)
  }
}

/** The characters with which sequences of several begin, and these. */
function firstCharacters(sequences: Iterable<string>): Map<number, string[]> {
  const found = new Map<number, string[]>()
  for (const sequence of sequences) {
    const [code, ...more] = codes(sequence)
    if (more.length > 0) found.set(code!, [...(found.get(code!) ?? []), sequence])
  }
  return new Map([...found].sort(([a], [b]) => a - b))
}

function requireAlone(first: ReadonlyMap<number, unknown>, weighs: (code: number) => boolean): void {
  for (const code of first.keys())
    if (!weighs(code))
      throw new BuildFailure(`U+${code.toString(16)} weighs nothing by itself, but begins sequences`)
}

/** The sequences by their first character: their number, then for each its slot and its further characters. The longest come first. */
function sequencesOf(
  { elements }: Collation,
  first: ReadonlyMap<number, readonly string[]>,
  slotOf: (sequence: string) => number,
): Buffer {
  const lists = [...first].map(([code, sequences]) => {
    const longest = [...sequences].sort((a, b) => codes(b).length - codes(a).length)
    const entries = longest
      .filter(sequence => elements.has(sequence))
      .flatMap(sequence => {
        const [, ...more] = codes(sequence)
        return [slotOf(sequence), more.length, ...more]
      })
    return { code, entries: [longest.length, ...entries] }
  })
  const table: number[] = []
  let at = 1 + 2 * lists.length
  for (const { code, entries } of lists) {
    table.push(code, at)
    at += entries.length
  }
  return words(Uint32Array.from([lists.length, ...table, ...lists.flatMap(({ entries }) => entries)]))
}

/** The beginning of a collation: the number of levels, how far apart weights are on each, and the rules of each ruleset. */
function partOf({ rulesets }: Collation, steps: readonly number[], parts: readonly Buffer[]): Buffer {
  const levels = rulesets[0]!.length
  if (levels > LEVELS) throw new BuildFailure('a collation has too many levels')
  const ofAll = (numbers: readonly number[]) =>
    Array.from({ length: LEVELS }, (_, level) => numbers[level] ?? 0)
  const rules = rulesets.flatMap(ofAll)
  return Buffer.concat([
    words(Uint32Array.of(levels, rulesets.length)),
    Buffer.from([...ofAll(steps), ...rules]),
    ...parts,
  ])
}

const words = (numbers: Uint32Array): Buffer =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)

/** A part with its size before it, and with zeros behind it so that the next one is aligned. */
function sized(bytes: Buffer): Buffer {
  const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4)
  return Buffer.concat([words(Uint32Array.of(bytes.length + padding.length)), bytes, padding])
}
