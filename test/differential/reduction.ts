/** Makes a statement that differs shorter while it still differs, so that a person can see why. */

/** What may stand for something in parentheses. */
const SUBSTITUTES = ['null', '(null)', '(true)', '(1)', "('a')", '(select null)']

/** How many statements are tried, and for how many milliseconds. */
const LIMIT = 400
const PATIENCE = 20_000

/** @param differs whether a statement still differs for no known reason */
export async function reduced(
  statement: string,
  differs: (statement: string) => Promise<boolean>,
): Promise<string> {
  let shortest = statement
  const deadline = performance.now() + PATIENCE
  let tries = 0
  for (let progress = true; progress; ) {
    progress = false
    for (const candidate of shorter(shortest)) {
      if (++tries > LIMIT || performance.now() > deadline) return shortest
      if (candidate.length >= shortest.length || !(await differs(candidate))) continue
      shortest = candidate
      progress = true
      break
    }
  }
  return shortest
}

/** The statement without clauses, and with less in place of what is in parentheses, the largest parts first. */
function* shorter(statement: string): Generator<string> {
  const groups = groupsOf(statement).sort((one, other) => other.to - other.from - (one.to - one.from))
  for (const { from, to } of groups) {
    const call = /[\w.]+$/.exec(statement.slice(0, from))?.[0].length ?? 0
    const inner = statement.slice(from + 1, to - 1)
    for (const substitute of SUBSTITUTES) {
      yield statement.slice(0, from - call) + substitute + statement.slice(to)
      yield statement.slice(0, from) + substitute + statement.slice(to)
    }
    yield statement.slice(0, from - call) + inner + statement.slice(to)
    // A list without one of its items.
    const items = itemsOf(inner)
    if (items.length > 1)
      for (let i = 0; i < items.length; i++)
        yield `${statement.slice(0, from + 1)}${items.filter((_, j) => j !== i).join(',')}${statement.slice(to - 1)}`
  }
  for (const clause of [
    / where .*$/s,
    / order by .*$/s,
    / having .*$/s,
    / group by .*$/s,
    / returning .*$/s,
    / limit \d+/,
  ])
    if (clause.test(statement)) yield statement.replace(clause, '')
  const selected = /^(.*?select (?:distinct )?)(.*?)( from .*)$/s.exec(statement)
  if (selected !== null) {
    const items = itemsOf(selected[2]!)
    for (let i = 0; i < items.length && items.length > 1; i++)
      yield `${selected[1]}${items.filter((_, j) => j !== i).join(',')}${selected[3]}`
  }
}

/** Where parentheses begin and end, outside of quotes. */
function groupsOf(text: string): { from: number; to: number }[] {
  const open: number[] = []
  const groups: { from: number; to: number }[] = []
  for (const { 0: found, index } of text.matchAll(/'(?:[^']|'')*'|"[^"]*"|[()]/g)) {
    if (found === '(') open.push(index)
    else if (found === ')') {
      const from = open.pop()
      if (from !== undefined) groups.push({ from, to: index + 1 })
    }
  }
  return groups
}

/** The parts between commas that stand in no parentheses. */
function itemsOf(text: string): string[] {
  const items: string[] = []
  let [depth, start] = [0, 0]
  for (const { 0: found, index } of text.matchAll(/'(?:[^']|'')*'|"[^"]*"|[()[\],]/g)) {
    if (/^[([]/.test(found)) depth++
    else if (/^[)\]]/.test(found)) depth--
    else if (found === ',' && depth === 0) {
      items.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...items, text.slice(start)]
}
