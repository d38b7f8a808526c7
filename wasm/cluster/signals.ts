/** The signals for a cluster's processes, and the ways to shut down that stand for some of them. */
import { SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1 } from '../machine/abi.js'

export const SIGNALS = { SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1 } as const

/** The signals that can be sent to PostgreSQL's processes. */
export type Signal = keyof typeof SIGNALS

/** How to shut down, as in pg_ctl: wait for clients to leave, disconnect them, or stop at once and recover at the next start. */
export type StopMode = 'smart' | 'fast' | 'immediate'

/** The signal by which the postmaster shuts down in each mode (PostgreSQL documentation, "Shutting Down the Server"). */
export const SHUTDOWN_SIGNALS = {
  smart: 'SIGTERM',
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
} as const satisfies Record<StopMode, Signal>
