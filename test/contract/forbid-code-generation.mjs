/**
 * Preloaded into the server's main thread and, since threads inherit node's options, into all others: breaks every
 * way to make code at run time. The main thread may compile each module that the package ships once, the others nothing
 * at all.
 */
import { isMainThread, threadId } from 'node:worker_threads'
import { readdirSync, writeSync } from 'node:fs'

const modules = readdirSync(new URL('../../wasm/dist', import.meta.url), { recursive: true }).filter(name =>
  /\.(wasm|so)$/.test(name),
)
let allowed = isMainThread ? modules.length : 0

function forbidden() {
  throw new Error(`code generation is forbidden in thread ${threadId}`)
}

WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct(target, args) {
    return allowed-- > 0 ? new target(...args) : forbidden()
  },
})
WebAssembly.compile = forbidden
WebAssembly.compileStreaming = forbidden
WebAssembly.instantiateStreaming = forbidden
const { instantiate } = WebAssembly
WebAssembly.instantiate = (source, imports) =>
  Object.prototype.toString.call(source) === '[object WebAssembly.Module]' ? instantiate(source, imports) : forbidden()

for (const of of [function () {}, async () => {}, function* () {}, async function* () {}])
  Object.defineProperty(Object.getPrototypeOf(of), 'constructor', { value: forbidden })
globalThis.eval = forbidden
globalThis.Function = forbidden

// Through node's own stderr, a worker's words would only come once it is idle.
writeSync(2, `code generation is banned in thread ${threadId}\n`)
