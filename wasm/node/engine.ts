/**
 * Sets V8's flags for the modules. They hold for the whole Node process, and for code that is compiled afterwards.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * How much a function has to run before V8 optimises it, roughly in bytes of code executed. Each process runs much code once
 * at its start, and V8 counts all processes together: by its default (1.8 million in Node 20, 13 million in Node 24) it spends
 * hundreds of milliseconds and tens of megabytes on functions that hardly run again. Hot functions reach this number, too.
 */
const TIERING_BUDGET = 20_000_000

/** To be called before compiling. Does nothing if node was started with such an option. */
export function tuneEngine(): void {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(option =>
    option.includes('wasm-tiering'),
  )
  if (!given) setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`)
}
