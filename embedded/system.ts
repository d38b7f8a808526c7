/** The system around an embedded server. */
import type { System } from '../wasm/machine/host/system.js'
import { isolated } from './isolated.js'

export const embeddedSystem: System = { ...isolated, nextTurn }

declare function setImmediate(task: () => void): void

/** Replaces setImmediate() in browsers by a message to oneself, because nested timers wait for milliseconds. */
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
