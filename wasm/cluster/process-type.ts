/** The type of a process, for example 'backend', from its arguments (launch_backend.c); the postmaster has no such argument. */
export function processType(args: readonly string[]): string {
  return /^--forkchild=(.*)$/.exec(args[1] ?? '')?.[1] ?? 'postmaster'
}
