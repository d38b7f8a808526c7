/** How many files each process of PostgreSQL may have open. The system sees all of them as one process, with one limit. */
import { hasPromiseIntegration } from '../wasm/machine/jspi.js'
import { openFilesLimit } from './linux.js'

/** PostgreSQL's default for max_connections. */
const SESSIONS = 100
/** The same for max_files_per_process, and its least value. */
const MOST = 1000
const LEAST = 64

/** Descriptors that a process needs beside its files: for its thread and its client, and for the way by which its thread gets that. */
const OTHERS = hasPromiseIntegration() ? 10 : 6
/** Processes beside the backends. */
const BACKGROUND = 20

/**
 * A max_files_per_process by which this many sessions keep within the system's limit; undefined if PostgreSQL's default is low
 * enough, or the system has no limit.
 */
export function filesPerProcess(maxConnections: number | string = SESSIONS): number | undefined {
  const limit = openFilesLimit()
  if (limit === undefined) return undefined
  const share = Math.floor(limit / (Number(maxConnections) + BACKGROUND)) - OTHERS
  // PostgreSQL refuses a value that is no number.
  return share < MOST ? Math.max(LEAST, share) : undefined
}
