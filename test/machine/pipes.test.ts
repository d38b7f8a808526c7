/** Who is woken when a process ends that has made pipes. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { boot, spawn } from '../../wasm/machine/boot.js'
import { threadHost } from '../../wasm/machine/kernel.js'
import { LinearMemory, newMemory } from '../../wasm/machine/memory.js'
import { stackSize } from '../../wasm/node/stack.js'
import { nodeSystem } from '../../wasm/node/system.js'

const POLLIN = 1

const module = new WebAssembly.Module(
  readFileSync(new URL('../../wasm/dist/test/kernel-asserting.wasm', import.meta.url)),
)

test('the end of a process wakes others if one of them has looked at its pipes, and else nobody', () => {
  const memory = newMemory(8)
  const size = { processes: 8, data: 65_536, stack: stackSize({}) }
  const kernel = boot(module, memory, threadHost(memory, nodeSystem.monotonic), size)
  const start = (pid: number) => {
    spawn(kernel, new LinearMemory(memory), { args: ['process'], pid })
    return kernel.next_embryo()
  }
  const words = () => new Int32Array(memory.buffer)
  const scratch = kernel.scratch() >>> 2
  const pipeOf = (slot: number) => {
    expect(kernel.sys_pipe(slot, kernel.scratch())).toBe(0)
    return words()[scratch]!
  }
  const look = (slot: number, fd: number) => {
    words().set([fd, POLLIN], scratch)
    expect(kernel.sys_poll(slot, kernel.scratch(), 1, 0)).toBe(0)
  }
  const wakeUps = (slot: number) => words()[kernel.event(slot) >>> 2]!

  const [alone, maker, witness] = [start(100), start(101), start(102)]
  look(alone, pipeOf(alone))
  look(witness, pipeOf(maker))
  const before = [maker, witness].map(wakeUps)
  kernel.exited(alone, 0)
  expect([maker, witness].map(wakeUps)).toEqual(before)
  kernel.exited(maker, 0)
  expect(wakeUps(witness)).toBeGreaterThan(before[1]!)
})
