/**
 * How V8 is to treat the modules. Its flags are the whole process' and count from when code is compiled.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * How much a function has to run before V8 optimises it, roughly in bytes of code executed. Each process runs a lot once
 * at its start, and V8 counts that together: by its default (1.8 million in Node 20, 13 million in Node 24) it spends
 * hundreds of milliseconds and tens of megabytes on functions that hardly run again. What is really hot passes this too.
 */
const TIERING_BUDGET = 20_000_000

/** Call it before compiling. A budget that node was started with is left alone. */
export function tuneEngine(): void {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(option =>
    option.includes('wasm-tiering'),
  )
  if (!given) setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`)
}
