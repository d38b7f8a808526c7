/** Numbers and strings that headers in c/ define, for the parts of the build that write what C reads. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { repository } from './paths.js'

/**
 * A number that a header defines, decimal or hexadecimal.
 *
 * @param header its path in c/
 */
export function numberIn(header: string, name: string): number {
  return Number(definitionIn(header, name, '0[xX][0-9a-fA-F]+|\\d+'))
}

/** A string that a header defines. */
export function stringIn(header: string, name: string): string {
  return definitionIn(header, name, '"[^"]*"').slice(1, -1)
}

function definitionIn(header: string, name: string, value: string): string {
  const text = readFileSync(join(repository, 'c', header), 'utf8')
  const found = new RegExp(`^#define\\s+${name}\\s+(${value})(?:\\s|$)`, 'm').exec(text)?.[1]
  if (found === undefined) throw new BuildFailure(`c/${header} does not define ${name} as expected`)
  return found
}
