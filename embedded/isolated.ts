/** A system where nothing but the server runs: it has a clock, and no other processes, groups or users. */
import { webRandom } from '../wasm/machine/host/random.js'
import type { System } from '../wasm/machine/host/system.js'

export const isolated: Omit<System, 'nextTurn'> = {
  monotonic: () => performance.now(),
  cpuTime: () => performance.now() * 1000,
  find(pid) {
    throw Object.assign(new Error(`there is no process ${pid}`), { code: 'ESRCH' })
  },
  group: () => undefined,
  random: webRandom,
}
