/** `npm run stack-trace` names the C function and line of a WebAssembly frame. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { instantiateKernel, threadHost } from '../../wasm/machine/kernel.js'

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

const symbolize = (text: string) =>
  spawnSync(process.execPath, [path('dist/wasm/build/stack-trace.js')], { input: text, encoding: 'utf8' })
    .stdout

/** What V8 says of an assertion that fails in the kernel that tests run on: nobody has a lock before there are processes. */
function failedAssertion(): string {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true })
  const module = new WebAssembly.Module(readFileSync(path('wasm/dist/test/kernel-asserting.wasm')))
  const kernel = instantiateKernel(
    module,
    memory,
    threadHost(memory, () => 0),
  )
  try {
    kernel.exited(0, 0)
  } catch (error) {
    return (error as Error).stack!
  }
  throw new Error('the assertion holds')
}

test('a frame in the module is named by its function and line in C', () => {
  const stack = failedAssertion()
  const line = /proc\.c:(\d+): assertion failed/.exec(stack)?.[1]
  const lines = symbolize(stack).split('\n')
  expect(lines).toEqual(expect.arrayContaining(stack.split('\n')))
  expect(lines).toContainEqual(
    expect.stringMatching(new RegExp(`^ {8}kernel_exited at .*/c/kernel/proc\\.c:${line}:`)),
  )
})

test('of a frame of another build that is said', () => {
  const frame = '    at wasm://wasm/0badf00d:wasm-function[1]:0x2a'
  expect(symbolize(frame).split('\n')).toEqual([frame, '        of another build than wasm/dist/', ''])
})
