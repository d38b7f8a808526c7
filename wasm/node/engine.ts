/**
 * Sets V8's flags for the modules. They hold for the whole Node process, and for code that is compiled afterwards.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * Whether this is Node itself. Deno and Bun run the same code, but have not all of it: threads in Deno cannot be sent modules while they
 * run, and neither lets a program say how large stacks are. There all processes are coroutines of one thread.
 */
export const IS_NODE = !('Deno' in globalThis || 'Bun' in globalThis)

/**
 * How much a function has to run before V8 optimises it, roughly in bytes of code executed. Each process runs much code once
 * at its start, and V8 counts all processes together: by its default (1.8 million in Node 20, 13 million in Node 24) it spends
 * hundreds of milliseconds and tens of megabytes on functions that hardly run again. Hot functions reach this number, too.
 */
const TIERING_BUDGET = 20_000_000

/**
 * Gives coroutines stacks of so many bytes. Only what they use of it is ever taken. To be called before there is one. V8 makes them no
 * larger than --stack-size either, which threads that run already, such as the main one, do not look at any more.
 */
export function setCoroutineStack(bytes: number): void {
  for (const flag of ['--wasm-stack-switching-stack-size', '--stack-size'])
    setFlagsFromString(`${flag}=${Math.ceil(bytes / 1024)}`)
}

/**
 * Turns on inlining, by V8's version, where V8 has it and does not use it by itself. Statements that compute become a tenth
 * faster. From Node 25 on V8 inlines by itself, indirect calls as well.
 */
const INLINING: Record<string, readonly string[]> = {
  '11.3': ['--wasm-inlining'], // Node 20
  '12.4': ['--experimental-wasm-inlining'], // Node 22
  '13.6': ['--wasm-inlining-call-indirect', '--wasm-deopt'], // Node 24
}

/** To be called before compiling. Leaves alone what node was started with. */
export function tuneEngine(): void {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  const [version] = /^\d+\.\d+/.exec(process.versions.v8 ?? '') ?? ['']
  if (!given.includes('wasm-tiering')) setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`)
  if (!given.includes('wasm-inlining')) for (const flag of INLINING[version] ?? []) setFlagsFromString(flag)
}
