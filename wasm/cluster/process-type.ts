/** The type of a process, for example 'backend', from its arguments (launch_backend.c); the postmaster has no such argument. */
export function processType(args: readonly string[]): string {
  return /^--forkchild=(.*)$/.exec(args[1] ?? '')?.[1] ?? 'postmaster'
}

/** Types that every cluster has and that mostly wait. The startup process works, but meanwhile no other process does. */
const ATTENDANTS = new Set([
  ...['postmaster', 'startup', 'checkpointer', 'bgwriter', 'wal_writer', 'autovacuum launcher'],
])

/** The name of the logical replication launcher's main function, in hexadecimal as in the variables of a background worker. */
const LAUNCHER = [...'ApplyLauncherMain'].map(letter => letter.charCodeAt(0).toString(16)).join('')

/** Whether a process, by its arguments, mostly waits. */
export function isAttendant(args: readonly string[]): boolean {
  const type = processType(args)
  return (
    ATTENDANTS.has(type) || (type === 'bgworker' && args.some(arg => arg.toLowerCase().includes(LAUNCHER)))
  )
}
