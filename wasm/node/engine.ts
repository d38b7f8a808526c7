/**
 * Sets V8's flags for the modules. They hold for the whole Node process, and for code that is compiled afterwards.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * Whether this is Node itself. Deno and Bun run the same code, but all processes are coroutines of one thread there: Deno cannot send
 * modules to threads that run, and neither lets a program set the size of stacks.
 */
export const IS_NODE = !('Deno' in globalThis || 'Bun' in globalThis)

/**
 * How much a function has to run before V8 optimises it, roughly in bytes of code executed. Each process runs much code once
 * at its start, and V8 counts all processes together: by its default (1.8 million in Node 20, 13 million in Node 24) it spends
 * hundreds of milliseconds and tens of megabytes on functions that hardly run again. Hot functions reach this number, too.
 */
const TIERING_BUDGET = 20_000_000

/**
 * Gives coroutines stacks of so many bytes. A stack takes only the memory that it uses. To be called before the first coroutine begins. V8
 * limits these stacks by --stack-size, too, so that is raised as well; it does not change threads that run already, such as the main one.
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

/**
 * Validates a function when it is compiled, which is before it first runs. V8 would validate all functions of a module before, which takes
 * longer than all else that it does with our module then.
 */
const VALIDATION = '--wasm-lazy-validation'

/** To be called before compiling. Does not change flags with which node was started. */
export function tuneEngine(): void {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  const [version] = /^\d+\.\d+/.exec(process.versions.v8 ?? '') ?? ['']
  if (!given.includes('wasm-tiering')) setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`)
  if (!given.includes('wasm-lazy-validation')) setFlagsFromString(VALIDATION)
  if (!given.includes('wasm-inlining')) for (const flag of INLINING[version] ?? []) setFlagsFromString(flag)
}
