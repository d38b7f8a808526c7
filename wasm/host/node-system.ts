/** The system around a Node process. */
import type { System } from './system.js'

/** Numbers that Linux and the C library give to signals; systems differ. */
const SIGNAL_NAMES: Record<number, NodeJS.Signals> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  12: 'SIGUSR2',
  15: 'SIGTERM',
}

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
  kill(pid, signal) {
    process.kill(pid, signal === 0 ? 0 : SIGNAL_NAMES[signal])
  },
  nextTurn: () => new Promise(resolve => setImmediate(resolve)),
}
