/**
 * In the main thread and, since threads inherit node's options, in all others: breaks every way to make code at run time.
 * The main thread may compile each module that the package ships once, the others nothing at all.
 */
import { readdirSync, writeSync } from 'node:fs'
import { isMainThread, threadId } from 'node:worker_threads'

const artefacts = new URL('../../../wasm/dist', import.meta.url)
const modules = readdirSync(artefacts, { recursive: true, encoding: 'utf8' }).filter(name =>
  /\.(wasm|so)$/.test(name),
)
let allowed = isMainThread ? modules.length : 0

function forbidden(): never {
  throw new Error(`code generation is forbidden in thread ${threadId}`)
}

const { Module, instantiate } = WebAssembly

Object.assign(WebAssembly, {
  Module: new Proxy(Module, {
    construct(target, args: ConstructorParameters<typeof Module>) {
      return allowed-- > 0 ? new target(...args) : forbidden()
    },
  }),
  compile: forbidden,
  compileStreaming: forbidden,
  instantiateStreaming: forbidden,
  instantiate: (source: WebAssembly.Module, imports?: WebAssembly.Imports) =>
    Object.prototype.toString.call(source) === '[object WebAssembly.Module]'
      ? instantiate(source, imports)
      : forbidden(),
})

const FUNCTIONS = [() => {}, async () => {}, function* () {}, async function* () {}]
for (const of of FUNCTIONS)
  Object.defineProperty(Object.getPrototypeOf(of), 'constructor', { value: forbidden })
Object.assign(globalThis, { eval: forbidden, Function: forbidden })

// Through node's own stderr, a worker's words would only come once it is idle.
writeSync(2, `code generation is banned in thread ${threadId}\n`)
