/** The system around a Worker. */
import { isolated } from '../embedded/isolated.js'
import type { System } from '../wasm/machine/host/system.js'

export const workersSystem: System = {
  ...isolated,
  nextTurn: () => new Promise(resolve => setTimeout(resolve, 0)),
}
