/*
 * host.h: the functions of the host that the kernel calls. wasm/machine/kernel.ts implements them.
 *
 * Everything in this system that sleeps or wakes another process does so by wait and notify; see sleep.c.
 */
#ifndef HOST_H
#define HOST_H

#define HOST_IMPORT(name) __attribute__((import_module("host"), import_name(#name)))

#define WAIT_WOKEN		0		/* the word was notified, or was not `expected` at the call */
#define WAIT_TIMED_OUT	1
#define WAIT_IMPOSSIBLE	2		/* this host cannot block the thread */

/*
 * Sleep until another thread notifies `word`, if it still is `expected`; at most `ms`, or without a limit if that is < 0. With `moved` the
 * caller waits for a socket for which its thread does the host's part (kernel_move): then the thread must not block.
 */
HOST_IMPORT(wait) int host_wait(volatile int *word, int expected, double ms, int moved);
/* Wake all threads that wait for `word`. */
HOST_IMPORT(notify) void host_notify(volatile int *word);
/* Milliseconds on a clock that never goes back and is the same for all threads. */
HOST_IMPORT(now) double host_now(void);
/* Report that an assertion does not hold, and end the caller; assert.h. */
_Noreturn HOST_IMPORT(assertion_failed) void host_assertion_failed(const char *condition, const char *file, int line);
/* Report that the caller has come one step further; step.c. */
HOST_IMPORT(step) void host_step(void);

#endif
