/*
 * host.h: what the kernel needs from the host. Answered by wasm/machine/kernel.ts.
 *
 * wait and notify are the one blocking primitive of the whole system; see sleep.c.
 */
#ifndef HOST_H
#define HOST_H

#define HOST_IMPORT(name) __attribute__((import_module("host"), import_name(#name)))

#define WAIT_WOKEN		0		/* notified, or *word was not `expected` to begin with */
#define WAIT_TIMED_OUT	1
#define WAIT_IMPOSSIBLE	2		/* this host cannot block */

/* Sleep until `word` is notified, if it still is `expected`; at most `ms`, for ever if that is < 0. */
HOST_IMPORT(wait) int host_wait(volatile int *word, int expected, double ms);
/* Wake all who wait for `word`. */
HOST_IMPORT(notify) void host_notify(volatile int *word);
/* Milliseconds on a clock that never goes back, the same for all threads. */
HOST_IMPORT(now) double host_now(void);
/* A condition does not hold that must; assert.h. */
_Noreturn HOST_IMPORT(assertion_failed) void host_assertion_failed(const char *condition, const char *file, int line);
/* The caller has come one step further; step.c. */
HOST_IMPORT(step) void host_step(void);

#endif
