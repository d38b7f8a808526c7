/**
 * The profile as it is kept in the repository: a line for each function, with its name, the hash of its branches, and how often each of
 * its branches was taken. LLVM's own text has a line for each branch, and functions that do not matter.
 */

/** A function with a branch that was taken at least so often is kept; for the others the compiler needs no profile. */
const OFTEN = 2000
/** A function that never ran is kept if it has at least so many counters; smaller ones take no room that would be worth saving. */
const LARGE = 8
/** Digits of a count that are kept. */
const DIGITS = 3

const HEADER = '# IR level Instrumentation Flag\n:ir\n'

/** Of LLVM's text (`llvm-profdata merge --text`). Where function pointers led and how much memory was copied is left out. */
export function compactProfile(text: string): string {
  const functions = text.slice(HEADER.length).split('\n\n').filter(Boolean)
  const lines = functions.flatMap(part => {
    const [name, , hash, , counters, , ...rest] = part.split('\n')
    const counts = rest.slice(0, Number(counters)).map(Number)
    const most = Math.max(...counts)
    if (most < OFTEN && !(most === 0 && counts.length >= LARGE)) return []
    return `${name} ${hash} ${counted(counts)}\n`
  })
  return lines.join('')
}

/** LLVM's text of a profile that is kept. */
export function llvmProfile(compact: string): string {
  const functions = compact
    .trimEnd()
    .split('\n')
    .map(line => {
      const [name, hash, ...runs] = line.split(' ')
      const counts = runs.flatMap(run => {
        const [count, times = '1'] = run.split('*')
        return Array<number>(Number(times)).fill(Number(count))
      })
      return [
        name,
        '# Func Hash:',
        hash,
        '# Num Counters:',
        counts.length,
        '# Counter Values:',
        ...counts,
        '',
      ].join('\n')
    })
  return `${HEADER}${functions.join('\n')}`
}

/** Counts with equal ones in a row as `COUNT*TIMES`. */
function counted(counts: readonly number[]): string {
  const runs: { count: string; times: number }[] = []
  for (const count of counts.map(shortened)) {
    const last = runs.at(-1)
    if (last?.count === count) last.times++
    else runs.push({ count, times: 1 })
  }
  return runs.map(({ count, times }) => (times > 1 ? `${count}*${times}` : count)).join(' ')
}

function shortened(count: number): string {
  const dropped = Math.max(0, String(count).length - DIGITS)
  return dropped < 2 ? String(count) : `${Math.round(count / 10 ** dropped)}e${dropped}`
}
