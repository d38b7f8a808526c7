/** The time of day that processes see. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HOST_REALTIME } from '../../wasm/machine/abi.js'
import { nodeSystem } from '../../wasm/node/system.js'

const { timeOrigin } = performance

/** What performance.now() tells. */
let now = 0
/** By how much the system's time of day has been set forward, in milliseconds. */
let set = 0
/** Milliseconds for which the thread has no processor after it has asked for the time of day. */
let pause = 0

beforeEach(() => {
  ;[now, set, pause] = [5000.25, 0, 0]
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  vi.spyOn(Date, 'now').mockImplementation(() => {
    const time = Math.floor(timeOrigin + now + set)
    now += pause
    return time
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
})

/** The clock of a thread that has just started: milliseconds since 1970. */
async function newClock(): Promise<() => number> {
  const { clockImports } = await import('../../wasm/machine/host/clock.js')
  const { clock } = clockImports(nodeSystem)
  return () => clock(HOST_REALTIME) / 1000
}

test('is the same for all threads, also for one that has to wait for a processor', async () => {
  const clock = await newClock()
  expect(clock()).toBe(timeOrigin + 5000.25)
  vi.resetModules()
  pause = 20
  const later = await newClock()
  expect(later()).toBe(timeOrigin + 5000.25)
  expect(later()).toBe(timeOrigin + 5020.25)
})

test('follows the time of day when that is set, within a second', async () => {
  const clock = await newClock()
  clock()
  for (const change of [3_600_000, -7_200_000, 5]) {
    set += change
    now += 1001
    expect(Math.abs(clock() - (timeOrigin + now + set))).toBeLessThanOrEqual(1)
  }
})

test('is right for a thread that starts after the time of day was set', async () => {
  set = -3_600_000
  const clock = await newClock()
  expect(Math.abs(clock() - (timeOrigin + now + set))).toBeLessThanOrEqual(1)
})
