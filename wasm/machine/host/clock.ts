/** The clock function of c/host-imports.h. */
import { HOST_MONOTONIC, HOST_REALTIME, type HostImports } from '../abi.js'
import type { System } from './system.js'

/** Milliseconds between checks whether the system's time of day has been set. */
const CHECK_INTERVAL = 1000
/** Difference between the two clocks, in milliseconds, that is ignored: Date.now() has no fraction. */
const TOLERANCE = 2

/** In milliseconds of performance.now(): the time of 1970, and of the last check. */
let epoch = Date.now() - performance.now()
let checked = performance.now()

/** Microseconds since 1970, with a finer resolution than Date.now(). */
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
