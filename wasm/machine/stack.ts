/**
 * How deep PostgreSQL may recurse, in bytes of C stack, and the size of the engine's stack for that; see c/posix/stack.h. The
 * engine uses up to 1.6 times as much of its own stack as C uses of its stack, in code of V8's first tier (`--liftoff-only`).
 */

/** On the caller's thread and in coroutines, for which the engine's stack has 984 kB. */
export const CALLER_DEPTH = 560 * 1024

/** On a thread of its own: PostgreSQL's default for max_stack_depth. */
export const THREAD_DEPTH = 2048 * 1024

/** The stack of such a thread, in megabytes. */
export const THREAD_STACK_MB = 4
