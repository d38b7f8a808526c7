/** Alarms of the kernel: a process sets one at each step of the host's look at them, and the host always learns of it. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { WORK_TIMER } from '../../wasm/machine/abi.js'
import { boot, spawn } from '../../wasm/machine/boot.js'
import { instantiateKernel, threadHost } from '../../wasm/machine/kernel.js'
import { LinearMemory, newMemory } from '../../wasm/machine/memory.js'

const kernelFile = new URL('../../wasm/dist/test/kernel-stepping.wasm', import.meta.url)

const SLOTS = 8
/** The memory's pages of 64 KiB. */
const MEMORY = 420
/** Milliseconds: when the host looks, because of one process' alarm, and when the other's is due. */
const LOOK = 100
const DUE = 1100

test('the host looks at an alarm in time that a process sets while the host looks at others', () => {
  const module = new WebAssembly.Module(readFileSync(kernelFile))
  const memory = newMemory(SLOTS, MEMORY)
  let now = 0
  let step = () => {}
  const host = { ...threadHost(memory, () => now), step: () => step() }
  const kernel = boot(module, memory, host, {
    processes: SLOTS,
    data: 65536,
    stack: { depth: 65536, frame: 0 },
  })
  const ofProcess = instantiateKernel(module, memory, { ...host, step: () => {} } as typeof host)
  const [one, other] = [1, 2].map(pid => {
    spawn(kernel, new LinearMemory(memory), { args: ['process'], pid })
    return kernel.next_embryo()
  }) as [number, number]

  /** Returns how many steps the look has taken. */
  const lookWhile = (stepOfAlarm: number): number => {
    now = 0
    ofProcess.sys_alarm(one, 0)
    ofProcess.sys_alarm(other, LOOK)
    kernel.work()
    expect(kernel.post_alarms(now)).toBe(LOOK)
    now = LOOK
    let steps = 0
    step = () => {
      if (steps++ === stepOfAlarm) ofProcess.sys_alarm(one, DUE - LOOK)
    }
    const next = kernel.post_alarms(now)
    step = () => {}
    const told = (kernel.work() & WORK_TIMER) !== 0
    if (steps > stepOfAlarm) expect([stepOfAlarm, told || next === DUE]).toEqual([stepOfAlarm, true])
    return steps
  }

  const steps = lookWhile(Number.POSITIVE_INFINITY)
  expect(steps).toBeGreaterThan(SLOTS)
  for (let at = 0; at < steps; at++) lookWhile(at)
})
