/** What a process finds outside of the cluster: clocks, and other processes of the system. */
export interface System {
  /** Milliseconds on a clock that never goes back, the same for all processes. */
  monotonic(): number
  /** Microseconds of CPU time that this process has used, or as near to it as can be told. */
  cpuTime(): number
  /** Signals a process of the system, by Linux's number; 0 only asks. Throws an error with a `code`, such as ESRCH. */
  kill(pid: number, signal: number): void
  /** Resolves when timers and what has come from outside have had their turn. */
  nextTurn(): Promise<void>
}
