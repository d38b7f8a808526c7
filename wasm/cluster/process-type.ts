/** PostgreSQL tells a child what it is to be by its first argument (launch_backend.c); only the postmaster has none. */
export function processType(args: readonly string[]): string {
  return /^--forkchild=(.*)$/.exec(args[1] ?? '')?.[1] ?? 'postmaster'
}
