/**
 * How deep PostgreSQL may recurse, in bytes of C stack, and the engine's stack that goes with it; see c/posix/stack.h. How much of
 * its own stack the engine needs beside C's was measured in code of V8's first tier (`--liftoff-only`), which needs the most.
 */

export interface StackSize {
  /** Bytes of C stack that a process may recurse into. */
  readonly depth: number
  /** Bytes by which each function that checks the depth makes its frame there larger, so that it stands for the engine's. */
  readonly frame: number
}

/**
 * On the caller's thread, and in coroutines of engines that choose the size of their stacks: 984 kB. C's frames are made so large there
 * that the engine's stack is at most 1.6 times as large as C's.
 */
export const CALLER_STACK: StackSize = { depth: 560 * 1024, frame: 1024 }
