/** Errors as C sees them. */
import { errno } from '../abi.js'

const numbers = new Map<string | undefined, number>(Object.entries(errno))
// What Node has no name for, by Linux's numbers: a quota that is used up, a file that is gone from its server.
numbers.set('Unknown system error -122', errno.EDQUOT)
numbers.set('Unknown system error -116', errno.ESTALE)

/** The number of a thrown error, by its `code` as Node's errors have it; whatever C does not know is EIO. */
export function errnoOf(error: unknown): number {
  return numbers.get((error as { code?: string }).code) ?? errno.EIO
}
