/** The type of a process, for example 'backend', from its arguments (launch_backend.c); the postmaster has no such argument. */
export function processType(args: readonly string[]): string {
  return /^--forkchild=(.*)$/.exec(args[1] ?? '')?.[1] ?? 'postmaster'
}

/** Those that a cluster always has, and that mostly wait. The startup process is among them: it is the only one that works then. */
const ATTENDANTS = new Set([
  ...['postmaster', 'startup', 'checkpointer', 'bgwriter', 'wal_writer', 'autovacuum launcher'],
])

/** The main function of the launcher of logical replication, as it is among the variables of a background worker (hexadecimal). */
const LAUNCHER = [...'ApplyLauncherMain'].map(letter => letter.charCodeAt(0).toString(16)).join('')

/** Whether a process, by its arguments, mostly waits. */
export function isAttendant(args: readonly string[]): boolean {
  const type = processType(args)
  return (
    ATTENDANTS.has(type) || (type === 'bgworker' && args.some(arg => arg.toLowerCase().includes(LAUNCHER)))
  )
}
