/** Compares what both sides answer, counts, and prints what differs for no known reason. */
import { KNOWN, reasonFor } from './known.js'
import { reduced } from './reduction.js'
import { type Answer, CANCELLED, OVERDUE, type Side } from './servers.js'

/** How many differences are printed. */
const PRINTED = 40

/** How many of these are made shorter first. */
const REDUCED = 20

/** The reason where only one side fails. */
const PLANS =
  'whether a part that fails is executed at all: the plans differ, because catalogs have other sizes and statistics are of random samples'

export interface Sides {
  readonly ours: Side
  readonly native: Side
}

type Verdict = 'same' | 'known' | 'late' | 'different'

export class Comparison {
  readonly #reasons = new Map<string, number>()
  #compared = 0
  #errors = 0
  #late = 0
  differences = 0

  /** One statement by itself, whose rows have an order. */
  async statement({ ours, native }: Sides, statement: string, binary = false): Promise<void> {
    const [here, there] = await Promise.all([
      ours.answer(statement, binary),
      native.answer(statement, binary),
    ])
    if (this.#count(statement, here, there) === 'different') this.#print(statement, here, there)
  }

  /** Statements in a transaction. What they return may come in any order. */
  async transaction(sides: Sides, statements: readonly string[]): Promise<void> {
    const [here, there] = (await inTransaction(sides, statements)) as [Answer[], Answer[]]
    for (const [i, statement] of statements.entries()) {
      if (here[i] === undefined || there[i] === undefined) return
      const verdict = this.#count(statement, here[i], there[i])
      if (verdict === 'same') continue
      // What takes so long will hardly do so again.
      if (isOverdue(here[i])) this.#print(statements.slice(0, i + 1).join(';\n'), here[i], there[i])
      else if (verdict === 'different') await this.#explain(sides, statements.slice(0, i), statement)
      return
    }
  }

  #count(statement: string, here: Answer, there: Answer): Verdict {
    const verdict = judge(statement, here, there)
    if (verdict === 'late') this.#late++
    else this.#compared++
    if ('code' in there && verdict !== 'late') this.#errors++
    if (verdict === 'known') this.#countReason(reasonFor(statement, here, there)!)
    return verdict
  }

  #countReason(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  /** Prints the difference, of a shorter statement if there is one. */
  async #explain(sides: Sides, before: readonly string[], statement: string): Promise<void> {
    const answers = async (last: string) => {
      const [here, there] = (await inTransaction(sides, [...before, last])) as [Answer[], Answer[]]
      return [here[before.length], there[before.length]] as const
    }
    const short =
      this.differences >= REDUCED
        ? statement
        : await reduced(statement, async candidate => {
            const [here, there] = await answers(candidate)
            return here !== undefined && there !== undefined && judge(candidate, here, there) === 'different'
          })
    const [here, there] = await answers(short)
    // One that differs once only has been disturbed by another process.
    if (here === undefined || there === undefined || judge(short, here, there) !== 'different') return
    if ('code' in here !== 'code' in there) {
      const plans = await answers(`explain (costs off) ${short}`)
      // If only one side can plan the statement, that is the difference.
      const planned = plans.every(plan => plan !== undefined && 'rows' in plan)
      if (planned && JSON.stringify(plans[0]) !== JSON.stringify(plans[1])) return this.#countReason(PLANS)
    }
    this.#print([...before, short].join(';\n'), here, there)
  }

  #print(statement: string, here: Answer, there: Answer): void {
    if (this.differences++ < PRINTED)
      console.log(`\n${statement};\n  here:     ${shown(here)}\n  natively: ${shown(there)}`)
  }

  print(): void {
    console.log(`${this.#compared} statements compared, of which ${this.#errors} fail natively as well`)
    if (this.#late > 0) console.log(`${this.#late} took one of the two too long`)
    for (const reason of [...KNOWN.map(known => known.reason), PLANS])
      console.log(`${this.#reasons.get(reason) ?? 0} differ in ${reason}`)
    console.log(this.differences === 0 ? 'no other difference' : `${this.differences} other differences`)
  }
}

/** The answers of both. */
async function inTransaction({ ours, native }: Sides, statements: readonly string[]): Promise<Answer[][]> {
  const answers = await Promise.all([ours.transaction(statements), native.transaction(statements)])
  return answers.map(side =>
    side.map((answer, i) => (/^explain/.test(statements[i]!) ? answer : inOrder(answer))),
  )
}

function judge(statement: string, here: Answer, there: Answer): Verdict {
  if (isOverdue(here)) return 'different'
  if ([here, there].some(answer => 'code' in answer && answer.code === CANCELLED)) return 'late'
  if (JSON.stringify(here) === JSON.stringify(there)) return 'same'
  return reasonFor(statement, here, there) === undefined ? 'different' : 'known'
}

const isOverdue = (answer: Answer) => 'code' in answer && answer.code === OVERDUE

function inOrder(answer: Answer): Answer {
  if (!('rows' in answer)) return answer
  const rows = answer.rows.map(row => [JSON.stringify(row), row] as const)
  rows.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  return { ...answer, rows: rows.map(([, row]) => row) }
}

function shown(answer: Answer): string {
  return JSON.stringify(answer).slice(0, 600)
}
