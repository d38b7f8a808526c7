/**
 * kernel.wasm in TypeScript: the functions of `c/kernel/kernel.h`, and the few functions that it imports. Each
 * thread has an instance of its own, and all instances work on the same tables in the shared memory.
 */
import { type KernelFunctions, type KernelImports, WAIT_TIMED_OUT, WAIT_WOKEN } from './abi.js'
import { LinearMemory } from './memory.js'

export interface KernelExports extends KernelFunctions {
  readonly __stack_pointer: WebAssembly.Global
}

/** How a process waits and is woken, and the clock for its timeouts. */
export interface KernelHost extends Pick<KernelImports, 'notify' | 'now'> {
  /** A function, or, in a host that suspends the caller, a suspending import. */
  readonly wait: KernelImports['wait'] | WebAssembly.ImportValue
}

/** Instantiates the kernel for this thread. Only the first instance on a memory initialises the kernel's variables. */
export function instantiateKernel(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  host: KernelHost,
): KernelExports {
  const imports = { ...host, assertion_failed: assertionFailed(memory) }
  const instance = new WebAssembly.Instance(module, { env: { memory }, host: imports })
  return instance.exports as unknown as KernelExports
}

/** Called by a kernel with assertions when one does not hold: c/kernel/assert.h. */
function assertionFailed(memory: WebAssembly.Memory) {
  return (condition: number, file: number, line: number) => {
    const text = (address: number) => new LinearMemory(memory).string(address)
    throw new Error(`c/kernel/${text(file)}:${line}: assertion failed: ${text(condition)}`)
  }
}

/** Waiting in a host with threads: the thread sleeps. */
export function threadHost(memory: WebAssembly.Memory, now: () => number) {
  let words = new Int32Array(memory.buffer)
  const index = (word: number) => {
    const at = word >>> 2
    if (at >= words.length) words = new Int32Array(memory.buffer)
    return at
  }
  return {
    wait(word: number, expected: number, ms: number): number {
      const timeout = ms < 0 ? Number.POSITIVE_INFINITY : ms
      const at = index(word) // It may have to make `words` anew.
      return Atomics.wait(words, at, expected, timeout) === 'timed-out' ? WAIT_TIMED_OUT : WAIT_WOKEN
    },
    notify(word: number): void {
      const at = index(word)
      Atomics.notify(words, at)
    },
    now,
  }
}
