/**
 * Makes wasm/protocol/saslprep-tables.ts, the tables of characters by which passwords are prepared (RFC 4013), from PostgreSQL's
 * saslprep.c, so that this server prepares passwords exactly as PostgreSQL does.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { repository } from './paths.js'

export const TABLES = join(repository, 'wasm', 'protocol', 'saslprep-tables.ts')

const HEADING = `/**
 * Ranges of code points for SASLprep. Made by wasm/build/saslprep.ts from PostgreSQL's saslprep.c: do not change this, but run
 * \`npm run build:wasm\`.
 *
 * For each range in ascending order how many code points lie between the one before and it, and, where there is more than one in it,
 * a colon and how many more; all in base 36.
 */
`

/** Characters in a line. */
const LINE = 110

/** Names of the arrays there, each of first and last code points in turn, and ours. */
const ARRAYS = {
  NON_ASCII_SPACE: 'non_ascii_space_ranges',
  MAPPED_TO_NOTHING: 'commonly_mapped_to_nothing_ranges',
  PROHIBITED: 'prohibited_output_ranges',
  UNASSIGNED: 'unassigned_codepoint_ranges',
  RIGHT_TO_LEFT: 'RandALCat_codepoint_ranges',
  LEFT_TO_RIGHT: 'LCat_codepoint_ranges',
}

/** Returns the text that wasm/protocol/saslprep-tables.ts should have, given PostgreSQL's source. */
export function readSaslprepTables(source: string): string {
  const text = readFileSync(join(source, 'src', 'common', 'saslprep.c'), 'utf8').replace(
    /\/\*[\s\S]*?\*\//g,
    '',
  )
  const constants = Object.entries(ARRAYS).map(([name, array]) => {
    const body = new RegExp(`\\b${array}\\[\\]\\s*=\\s*\\{([^}]*)\\}`).exec(text)?.[1]
    const points = body?.match(/0x[0-9a-f]+/gi)?.map(Number) ?? []
    if (points.length === 0 || points.length % 2 !== 0)
      throw new BuildFailure(`saslprep.c has no array ${array} of ranges`)
    const [left, right] = [`export const ${name} =`, `'${encoded(points)}'\n`]
    // As the formatter would write it.
    return left.length + right.length > LINE ? `${left}\n  ${right}` : `${left} ${right}`
  })
  return HEADING + constants.join('\n')
}

function encoded(points: readonly number[]): string {
  let end = -1
  const ranges: string[] = []
  for (let i = 0; i < points.length; i += 2) {
    const [first, last] = [points[i]!, points[i + 1]!]
    const more = last - first
    ranges.push((first - end - 1).toString(36) + (more === 0 ? '' : `:${more.toString(36)}`))
    end = last
  }
  return ranges.join(' ')
}

/** Throws BuildFailure if the repository has another text, which this function then replaces. */
export function requireSaslprepTables(text: string): void {
  if (readFileSync(TABLES, 'utf8') === text) return
  writeFileSync(TABLES, text)
  throw new BuildFailure(
    'wasm/protocol/saslprep-tables.ts did not say what saslprep.c says. It does now: build again, and commit it',
  )
}
