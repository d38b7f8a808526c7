/** The signals that a cluster's processes can be sent, and the ways to shut down that the postmaster knows by them. */
import { SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1 } from '../machine/abi.js'

export const SIGNALS = { SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1 } as const

export type Signal = keyof typeof SIGNALS

/** How to shut down, as in pg_ctl: wait for clients to leave, disconnect them, or stop at once and recover at the next start. */
export type StopMode = 'smart' | 'fast' | 'immediate'

/** What the postmaster takes for a request to shut down so (PostgreSQL documentation, "Shutting Down the Server"). */
export const SHUTDOWN_SIGNALS = {
  smart: 'SIGTERM',
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
} as const satisfies Record<StopMode, Signal>
