/** The system around a Node process. */
import { existsSync, readFileSync } from 'node:fs'
import type { System } from '../machine/host/system.js'
import { random } from './random.js'

const GROUPS = '/etc/group'

/** The origin of performance.now() on the system's monotonic clock, so that all threads have the same time. */
const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export const nodeSystem: System = {
  monotonic: () => origin + performance.now(),
  /** CPU time of this thread, or, if this Node has no threadCpuUsage(), of the whole Node process. */
  cpuTime() {
    const usage = (process as { threadCpuUsage?: typeof process.cpuUsage }).threadCpuUsage ?? process.cpuUsage
    const { user, system } = usage.call(process)
    return user + system
  },
  find(pid) {
    process.kill(pid, 0)
  },
  group(name) {
    const groups = existsSync(GROUPS) ? readFileSync(GROUPS, 'utf8').split('\n') : []
    const number = groups.map(line => line.split(':')).find(([known]) => known === name)?.[2]
    return number === undefined ? undefined : Number(number)
  },
  random,
  nextTurn: () => new Promise(resolve => setImmediate(resolve)),
}
