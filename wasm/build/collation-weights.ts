/**
 * Expresses the weights of one collation by those of another one. localedef numbers the weights of each collation anew, so a
 * collation that sorts "å" after "z" has other numbers from there on. But most of its weights belong to the same characters, in the same
 * order, as weights of the other collation: they get the numbers of these. Each of the few other weights gets a number between two of
 * these. So nearly all elements are equal in both collations, and the differences take little room.
 */

import type { Collation, Element } from './collation.js'
import { BuildFailure } from './failure.js'

/** How far apart the weights of the basic collation are on each level, as a power of 2: so many other weights fit between two. */
export function stepsOf({ elements }: Collation): number[] {
  const highest: number[] = []
  for (const { levels } of elements.values())
    for (const [level, weights] of levels.entries())
      highest[level] = Math.max(highest[level] ?? 0, ...weights)
  return highest.map(weight => 32 - Math.ceil(Math.log2(weight + 1)))
}

/** The weights of the basic collation itself. */
export const basicWeights = (element: Element, steps: readonly number[]): Element => ({
  ...element,
  levels: element.levels.map((level, i) => level.map(weight => weight * 2 ** steps[i]!)),
})

/**
 * Returns a function that gives an element of `collation` weights that can be compared with those of `basic`. On each level, the weights
 * keep their order, and equal ones stay equal.
 */
export function weightsIn(
  basic: Collation,
  steps: readonly number[],
  collation: Collation,
): (element: Element) => Element {
  const levels = collation.rulesets[0]!.length
  const maps = Array.from({ length: levels }, (_, level) =>
    numbersOn(level, 2 ** steps[level]!, basic, collation),
  )
  return element => ({
    ...element,
    levels: element.levels.map((weights, level) => weights.map(weight => maps[level]!.get(weight)!)),
  })
}

function numbersOn(level: number, step: number, basic: Collation, collation: Collation): Map<number, number> {
  const own = new Set<number>(collation.undefined.levels[level])
  /** How many elements have one weight here where they have the other one in the basic collation. */
  const votes = new Map<number, number>()
  for (const [sequence, element] of collation.elements) {
    const weights = element.levels[level]!
    for (const weight of weights) own.add(weight)
    const others = basic.elements.get(sequence)?.levels[level]
    if (others?.length !== weights.length) continue
    weights.forEach((weight, i) => {
      const both = weight * PAIR + others[i]!
      votes.set(both, (votes.get(both) ?? 0) + 1)
    })
  }
  const ordered = [...own].sort((a, b) => a - b)
  const best = new Map<number, Candidate>()
  for (const [both, count] of votes) {
    const weight = Math.floor(both / PAIR)
    if (count > (best.get(weight)?.votes ?? 0)) best.set(weight, { weight, basic: both % PAIR, votes: count })
  }
  const candidates = ordered.flatMap(weight => best.get(weight) ?? [])
  const kept = new Map(heaviestIncreasing(candidates).map(({ weight, basic }) => [weight, basic]))
  const numbers = new Map<number, number>()
  let last = 0
  for (const weight of ordered) {
    const found = kept.get(weight)
    // If more weights lie between two than fit there, the next ones get numbers of their own, too.
    const number = found === undefined || found * step <= last ? last + 1 : found * step
    if (number > 0xffffffff) throw new BuildFailure('too many weights of a collation are its own')
    numbers.set(weight, number)
    last = number
  }
  return numbers
}

/** All weights are below this number. */
const PAIR = 2 ** 20

interface Candidate {
  readonly weight: number
  readonly basic: number
  readonly votes: number
}

/** From candidates in the order of their weights, chooses those whose basic weights increase and that have the most votes together. */
function heaviestIncreasing(candidates: readonly Candidate[]): Candidate[] {
  const size = Math.max(0, ...candidates.map(({ basic }) => basic)) + 1
  /** A Fenwick tree over basic weights: the candidate that ends the heaviest sequence so far. */
  const best: (number | undefined)[] = new Array(size + 1)
  const totals: number[] = []
  const before: (number | undefined)[] = []
  const heavier = (a: number | undefined, b: number | undefined) =>
    a === undefined || (b !== undefined && totals[b]! > totals[a]!) ? b : a
  candidates.forEach(({ basic, votes }, i) => {
    let previous: number | undefined
    for (let at = basic; at > 0; at -= at & -at) previous = heavier(previous, best[at])
    before[i] = previous
    totals[i] = votes + (previous === undefined ? 0 : totals[previous]!)
    for (let at = basic + 1; at <= size; at += at & -at) best[at] = heavier(best[at], i)
  })
  let at: number | undefined
  for (let i = 0; i < candidates.length; i++) at = heavier(at, i)
  const kept: Candidate[] = []
  for (; at !== undefined; at = before[at]) kept.push(candidates[at]!)
  return kept.reverse()
}
