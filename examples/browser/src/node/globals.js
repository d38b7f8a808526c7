/** Node's globals that node-postgres uses. To be imported before it. */
import { Buffer } from 'buffer'

globalThis.global = globalThis
globalThis.Buffer = Buffer
globalThis.process = { env: {}, nextTick: (task, ...args) => queueMicrotask(() => task(...args)) }
