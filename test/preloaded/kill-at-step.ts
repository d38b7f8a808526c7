/**
 * Kills the process right before step number $KILL_AT of the steps by which the main thread changes files on the
 * disk. Without that number it writes the number of steps to $STEPS_FILE when the process ends.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const STEPS = ['mkdirSync', 'writeFileSync', 'renameSync', 'rmSync', 'fsyncSync', 'chmodSync'] as const

if (isMainThread) {
  const at = Number(process.env.KILL_AT ?? Number.NaN)
  const { writeFileSync } = fs
  let steps = 0
  for (const name of STEPS) {
    const call = fs[name] as (...args: unknown[]) => unknown
    const counted = (...args: unknown[]) => {
      if (steps++ === at) process.kill(process.pid, 'SIGKILL')
      return call(...args)
    }
    Object.assign(fs, { [name]: counted })
  }
  syncBuiltinESMExports()
  process.on('exit', () => {
    if (process.env.STEPS_FILE !== undefined) writeFileSync(process.env.STEPS_FILE, String(steps))
  })
}
