/** What there is around a Worker. */
import type { System } from '../wasm/machine/host/system.js'

export const workersSystem: System = {
  monotonic: () => performance.now(),
  cpuTime: () => performance.now() * 1000,
  find(pid) {
    throw Object.assign(new Error(`there is no process ${pid}`), { code: 'ESRCH' })
  },
  group: () => undefined,
  nextTurn: () => new Promise(resolve => setTimeout(resolve, 0)),
}
