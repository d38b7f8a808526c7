/** The system around an embedded server. */
import type { System } from '../wasm/machine/host/system.js'
import { isolated } from './isolated.js'

export const embeddedSystem: System = { ...isolated, nextTurn }

declare function setImmediate(task: () => void): void

/** Stands for setImmediate() in browsers: the thread sends itself a message, because a nested timer would wait for milliseconds. */
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
