/** How many files each PostgreSQL process may have open: to the system all of them are one process, with one limit. */
import { openFilesLimit } from './linux.js'

/** PostgreSQL's default for max_connections. */
const SESSIONS = 100
/** The same for max_files_per_process, and its least value. */
const MOST = 1000
const LEAST = 64

/** Descriptors that a process needs beside its files: for its thread and its client. */
const OTHERS = 6
/** Processes beside the backends. */
const BACKGROUND = 20

/**
 * A max_files_per_process by which so many sessions do with what the system grants; undefined where PostgreSQL's default
 * does, or where the system has no limit.
 */
export function filesPerProcess(maxConnections: number | string = SESSIONS): number | undefined {
  const limit = openFilesLimit()
  if (limit === undefined) return undefined
  const share = Math.floor(limit / (Number(maxConnections) + BACKGROUND)) - OTHERS
  // What is no number is for PostgreSQL to refuse.
  return share < MOST ? Math.max(LEAST, share) : undefined
}
