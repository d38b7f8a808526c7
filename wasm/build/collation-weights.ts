/**
 * Weights of one collation in terms of another's. localedef numbers the weights of each collation anew, so that one that sorts
 * "å" after "z" has other numbers from there on. Here most of its weights are found to be the other's, for they are those of the
 * same characters in the same order; the few that are not lie between two of the other's, and get numbers there. So nearly
 * all elements are equal, and what differs is small.
 */

import type { Collation, Element } from './collation.js'
import { BuildFailure } from './failure.js'

/** For each level how far apart the weights of the basic collation are, as a power of 2: so many others fit between, in 32 bits. */
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
 * Returns what gives an element of `collation` the numbers that compare with those of `basic`: the order of all weights on a level is
 * kept, so is which of them are equal.
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
  /** How often a weight is where the other collation has this one, by both. */
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
    // Where there are more between two than fit, the next ones become its own, too.
    const number = found === undefined || found * step <= last ? last + 1 : found * step
    if (number > 0xffffffff) throw new BuildFailure('too many weights of a collation are its own')
    numbers.set(weight, number)
    last = number
  }
  return numbers
}

/** Weights are below it. */
const PAIR = 2 ** 20

interface Candidate {
  readonly weight: number
  readonly basic: number
  readonly votes: number
}

/** Of candidates in the order of their weights those whose basic weights increase, with the most votes together. */
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
