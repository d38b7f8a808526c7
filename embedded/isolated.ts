/** What there is of a system where nothing but the server runs: its time, and nobody else. */
import type { System } from '../wasm/machine/host/system.js'

export const isolated: Omit<System, 'nextTurn'> = {
  monotonic: () => performance.now(),
  cpuTime: () => performance.now() * 1000,
  find(pid) {
    throw Object.assign(new Error(`there is no process ${pid}`), { code: 'ESRCH' })
  },
  group: () => undefined,
}
