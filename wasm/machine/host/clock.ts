/** The clock function of c/host-imports.h. */
import { HOST_MONOTONIC, HOST_REALTIME, type HostImports } from '../abi.js'
import type { System } from './system.js'

/** Milliseconds between looks at the system's time of day, which can be set, or run slower or faster than performance.now(). */
const CHECK_INTERVAL = 1000

/**
 * The time of 1970 on the clock of performance.now(), in milliseconds; and when that was last checked. All threads of a program have the same
 * origin, so what one process does is never dated before what another one has done already.
 */
let epoch = performance.timeOrigin
let checked = Number.NEGATIVE_INFINITY

/** Microseconds since 1970, with a finer resolution than Date.now(). */
function realtime(): number {
  const now = performance.now()
  if (now - checked > CHECK_INTERVAL) {
    checked = now
    const time = Date.now()
    // Date.now() has no fraction, and this thread may just have waited long for a processor. So this is what the three numbers tell, and no more.
    epoch = Math.min(Math.max(epoch, time - performance.now()), time + 1 - now)
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
