/** What there is around a server that is embedded in a page, a Worker or a program. */
import type { System } from '../wasm/machine/host/system.js'

export const embeddedSystem: System = {
  monotonic: () => performance.now(),
  cpuTime: () => performance.now() * 1000,
  find(pid) {
    throw Object.assign(new Error(`there is no process ${pid}`), { code: 'ESRCH' })
  },
  group: () => undefined,
  nextTurn,
}

declare function setImmediate(task: () => void): void

/** A message to oneself where there is no setImmediate(): browsers make timers in timers wait for milliseconds. */
const channel = 'setImmediate' in globalThis ? undefined : new MessageChannel()

const waiting: (() => void)[] = []

if (channel !== undefined) channel.port1.onmessage = () => waiting.shift()?.()

function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    if (channel === undefined) {
      setImmediate(resolve)
      return
    }
    waiting.push(resolve)
    channel.port2.postMessage(undefined)
  })
}
