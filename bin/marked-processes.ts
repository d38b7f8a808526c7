/** Finds processes by a variable (the mark) in the environment that they were started with. */
import { readdirSync, readFileSync } from 'node:fs'

/** Only Linux shows the environment of other processes, in /proc; and only of those of the same user. */
export const hasMarks = process.platform === 'linux'

/** The PIDs of processes with a mark, except this one. None on systems without marks, where the caller has only a process group. */
export function processesMarked(variable: string): number[] {
  if (!hasMarks) return []
  const start = `\0${variable}=`
  return pids().filter(pid => pid !== process.pid && environmentOf(pid).includes(start))
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** The environment of a process, with a NUL before each variable; '' if the process has ended. */
function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
  } catch {
    return ''
  }
}
