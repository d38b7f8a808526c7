/** The clock function of c/host-imports.h. */
import { HOST_MONOTONIC, HOST_REALTIME, type HostImports } from '../abi.js'
import type { System } from './system.js'

/** How often to see whether the system's time of day has been set, in milliseconds. */
const CHECK_INTERVAL = 1000
/** By how much the two clocks must have drifted apart to follow, in milliseconds: Date.now() has no fraction. */
const TOLERANCE = 2

/** Both in milliseconds: 1970 on the clock of performance.now(), and when that was checked last. */
let epoch = Date.now() - performance.now()
let checked = performance.now()

/** Microseconds since 1970, finer than Date.now() and yet following it. */
function realtime(): number {
  const now = performance.now()
  if (now - checked > CHECK_INTERVAL) {
    checked = now
    const actual = Date.now() - now
    if (Math.abs(actual - epoch) > TOLERANCE) epoch = actual
  }
  return (epoch + now) * 1000
}

export function clockImports(system: System) {
  return {
    /** Microseconds on one of three clocks. */
    clock(which) {
      return which === HOST_REALTIME
        ? realtime()
        : which === HOST_MONOTONIC
          ? system.monotonic() * 1000
          : system.cpuTime()
    },
  } satisfies Partial<HostImports>
}
