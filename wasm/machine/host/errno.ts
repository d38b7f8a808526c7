/** Errors as C sees them. */
import { errno } from '../abi.js'

const numbers = new Map<string | undefined, number>(Object.entries(errno))
// Node has no names for these two errors of Linux: a used-up quota, and a file that its server has removed.
numbers.set('Unknown system error -122', errno.EDQUOT)
numbers.set('Unknown system error -116', errno.ESTALE)

/** The errno of a thrown error, from its `code` as in Node's errors; EIO if C has none of that name. */
export function errnoOf(error: unknown): number {
  return numbers.get((error as { code?: string }).code) ?? errno.EIO
}
