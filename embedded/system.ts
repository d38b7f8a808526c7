/** What there is around a server that is embedded in a page, a Worker or a program. */
import type { System } from '../wasm/machine/host/system.js'
import { isolated } from './isolated.js'

export const embeddedSystem: System = { ...isolated, nextTurn }

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
