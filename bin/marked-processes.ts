/** Processes that have a variable in the environment that they were started with. */
import { readdirSync, readFileSync } from 'node:fs'

/** Only Linux tells the environment of other processes, by /proc; of those of the same user. */
export const hasMarks = process.platform === 'linux'

/** Their PIDs, but for this process. None where there are no marks: there a process group has to do. */
export function processesMarked(variable: string): number[] {
  if (!hasMarks) return []
  const start = `\0${variable}=`
  return pids().filter(pid => pid !== process.pid && environmentOf(pid).includes(start))
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** Each variable after a NUL. '' of one that has ended. */
function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
  } catch {
    return ''
  }
}
