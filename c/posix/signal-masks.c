/*
 * signal-masks.c: which signals are blocked, and how a process waits for one of them.
 */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include "process.h"
#include "signals.h"

int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	if (old != NULL)
	{
		memset(old, 0, sizeof(*old));
		memcpy(old, (const void *) &own_signals->blocked, sizeof(uint32_t));
	}
	if (set != NULL)
	{
		uint32_t	mask;

		memcpy(&mask, set, sizeof(mask));
		if (how == SIG_BLOCK)
			own_signals->blocked |= mask;
		else if (how == SIG_UNBLOCK)
			own_signals->blocked &= ~mask;
		else
			own_signals->blocked = mask;
		if (own_signals->pending & ~own_signals->blocked)
			signals_dispatch();
	}
	return 0;
}

int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return sigprocmask(how, set, old);
}

int
sigpending(sigset_t *set)
{
	uint32_t	held = own_signals->pending & own_signals->blocked;

	memset(set, 0, sizeof(*set));
	memcpy(set, &held, sizeof(held));
	return 0;
}

int
sigsuspend(const sigset_t *mask)
{
	uint32_t	blocked = own_signals->blocked;

	memcpy((void *) &own_signals->blocked, mask, sizeof(uint32_t));
	answer(sys_sleep(self, -1));
	own_signals->blocked = blocked;
	return -1;
}

/* Takes one of these signals, which the caller has blocked. */
int
sigwait(const sigset_t *restrict set, int *restrict signal)
{
	uint32_t	wanted,
				ready;

	memcpy(&wanted, set, sizeof(wanted));
	while ((ready = own_signals->pending & wanted) == 0)
		if (sys_sleep(self, 10) == -EINTR)
			signals_dispatch();
	*signal = __builtin_ctz(ready) + 1;
	__atomic_fetch_and(&own_signals->pending, ~SIGNAL_BIT(*signal), __ATOMIC_SEQ_CST);
	return 0;
}
