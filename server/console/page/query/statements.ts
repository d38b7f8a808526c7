/** Cuts the editor's text into statements, as psql does: at semicolons that are not in strings, comments, parentheses or functions. */
import { PostgreSQL } from '@codemirror/lang-sql'

/** A statement and its place in the text. */
export interface Statement {
  readonly from: number
  readonly to: number
  readonly sql: string
}

/** How much deeper a keyword leads into the body of a function in standard SQL, in which statements end in semicolons, too. */
const DEPTH: Readonly<Record<string, number>> = { case: 1, end: -1 }

export function statementsIn(text: string): Statement[] {
  const found: Statement[] = []
  let from = -1
  let depth = 0
  let before = ''
  const cursor = PostgreSQL.language.parser.parse(text).cursor()
  do {
    if (cursor.name === 'Statement') {
      if (depth === 0) from = cursor.from
      // A statement that is followed by the next one's end only ends there.
      before = ''
    } else if (cursor.name === 'Keyword') {
      const word = text.slice(cursor.from, cursor.to).toLowerCase()
      if (word === 'atomic' && before === 'begin') depth = 1
      else if (depth > 0) depth += DEPTH[word] ?? 0
      before = word
    } else if (cursor.name === ';' && depth === 0 && cursor.node.parent?.name === 'Statement') {
      add(found, text, from, cursor.from)
      from = -1
    }
  } while (cursor.next())
  if (from >= 0) add(found, text, from, text.length)
  return found
}

/** Adds the statement between these places, without comments and blanks around it, if there is one. */
function add(found: Statement[], text: string, from: number, to: number): void {
  const sql = text.slice(from, to).trimEnd()
  if (/^\s*$/.test(sql)) return
  found.push({ from, to: from + sql.length, sql })
}

/** The statement in which this place is, or the one before it. */
export function statementAt(statements: readonly Statement[], place: number): Statement | undefined {
  return statements.find(({ from, to }) => from <= place && place <= to + 1) ?? statements.at(-1)
}

/** The offset in a JavaScript string of PostgreSQL's position, which counts characters from 1. */
export function offsetOf(sql: string, position: number): number {
  let offset = 0
  for (let at = 1; at < position && offset < sql.length; at++)
    offset += sql.codePointAt(offset)! > 0xffff ? 2 : 1
  return offset
}
