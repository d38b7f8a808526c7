/** `npm run stack-trace` names the C function and line of a WebAssembly frame. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

const symbolize = (text: string) =>
  spawnSync(process.execPath, [path('dist/wasm/build/stack-trace.js')], { input: text, encoding: 'utf8' })
    .stdout

/** A call that fails an assertion of the tests' kernel: no process can end before there are any. */
const FAIL = `
  import { readFileSync } from 'node:fs'
  import { instantiateKernel, threadHost } from ${JSON.stringify(path('dist/wasm/machine/kernel.js'))}
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true })
  const module = new WebAssembly.Module(readFileSync(${JSON.stringify(path('wasm/dist/test/kernel-asserting.wasm'))}))
  instantiateKernel(module, memory, threadHost(memory, () => 0)).exited(0, 0)`

/** The error as Node prints it; Vitest would print the frames in another form. */
const failedAssertion = () =>
  spawnSync(process.execPath, ['--input-type=module', '--eval', FAIL], { encoding: 'utf8' }).stderr

test('a frame in the module is named by its function and line in C', () => {
  const stack = failedAssertion()
  const line = /proc\.c:(\d+): assertion failed/.exec(stack)?.[1]
  const lines = symbolize(stack).split('\n')
  expect(lines).toEqual(expect.arrayContaining(stack.split('\n')))
  expect(lines).toContainEqual(
    expect.stringMatching(new RegExp(`^ {8}kernel_exited at .*/c/kernel/proc\\.c:${line}:`)),
  )
})

test('a frame of another build is reported as such', () => {
  const frame = '    at wasm://wasm/0badf00d:wasm-function[1]:0x2a'
  expect(symbolize(frame).split('\n')).toEqual([frame, '        of another build than wasm/dist/', ''])
})
