/** The system around a Node process. */
import type { System } from './system.js'

/** Where performance.now() begins on the system's monotonic clock, so that all threads tell the same time. */
const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export const nodeSystem: System = {
  monotonic: () => origin + performance.now(),
  /** Of this thread, where Node can tell; otherwise of the whole Node process. */
  cpuTime() {
    const usage = (process as { threadCpuUsage?: typeof process.cpuUsage }).threadCpuUsage ?? process.cpuUsage
    const { user, system } = usage.call(process)
    return user + system
  },
  find(pid) {
    process.kill(pid, 0)
  },
  nextTurn: () => new Promise(resolve => setImmediate(resolve)),
}
