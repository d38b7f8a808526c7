/** Node's globals that node-postgres and postgres.js use. To be imported before them. */
import { Buffer } from 'buffer'

globalThis.global = globalThis
globalThis.Buffer = Buffer
globalThis.process = { env: {}, nextTick: (task, ...args) => queueMicrotask(() => task(...args)) }
globalThis.setImmediate = (task, ...args) => setTimeout(task, 0, ...args)
globalThis.clearImmediate = clearTimeout
