/** What a process finds outside of the cluster: clocks, and other processes of the system. */
export interface System {
  /** Milliseconds on a clock that never goes back, the same for all processes. */
  monotonic(): number
  /** Microseconds of CPU time that this process has used, or as near to it as can be told. */
  cpuTime(): number
  /** Returns if there is such a process. Throws an error with a `code`: ESRCH, or EPERM for another user's. */
  find(pid: number): void
  /** The number of a group; undefined if there is none of this name. */
  group(name: string): number | undefined
  /** Resolves when timers and what has come from outside have had their turn. */
  nextTurn(): Promise<void>
}
