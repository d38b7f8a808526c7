/** The system around a cluster: clocks, processes and groups. */
export interface System {
  /** Milliseconds on a clock that never goes back, the same for all processes. */
  monotonic(): number
  /** Microseconds of CPU time that this process has used, or an approximation. */
  cpuTime(): number
  /** Returns if there is such a process. Throws an error with a `code`: ESRCH if not, EPERM if it is another user's. */
  find(pid: number): void
  /** The number of the group with this name; undefined if there is none. */
  group(name: string): number | undefined
  /** Fills `bytes`, which threads may share, with random ones that nobody can predict. */
  random(bytes: Uint8Array): void
  /** Resolves in a new turn of the event loop, after due timers and events from outside. */
  nextTurn(): Promise<void>
}
