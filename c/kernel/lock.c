/*
 * lock.c: locks that survive their holder.
 *
 * The host may end a process at any instruction, also inside the kernel. So a lock's word names its holder, and
 * the host frees the locks of a dead process (release_all). The tables are written in an order that leaves them usable
 * at each step, and the host finishes what was half done (kernel_exited).
 *
 * A process waits for a lock as long as it takes. The host must not, because while it waits it does not learn that a holder has
 * ended: after LOCK_LIMIT waits in which no process has released the lock, it takes the lock over.
 */
#include "lock.h"
#include "assert.h"
#include "atomic.h"
#include "host.h"
#include "param.h"
#include "proc.h"

#define CONTENDED	0x40000000	/* a process waits for the lock */
#define HOLDER(v)	(((v) & ~CONTENDED) - 1)

/* 0 when free, else the holder's slot + 1, and CONTENDED */
static volatile int words[NLOCK];

int
lock_held(enum lock lock, int self)
{
	return HOLDER(load(&words[lock])) == self;
}

int
lock_held_any(int self)
{
	for (enum lock lock = 0; lock < NLOCK; lock++)
		if (lock_held(lock, self))
			return 1;
	return 0;
}

void
acquire(enum lock lock, int self)
{
	volatile int *word = &words[lock];
	int			mine = self + 1;
	int			timeouts = 0;	/* waits in a row in which the lock was not released */

	Assert(proc_runs(self));
	Assert(!lock_held_any(self));
	for (;;)
	{
		int			seen = 0;

		if (compare_exchange(word, &seen, mine))
			return;
		if (!(seen & CONTENDED) && !compare_exchange(word, &seen, seen | CONTENDED))
			continue;
		seen |= CONTENDED;
		mine = (self + 1) | CONTENDED;	/* others may wait beside us */
		if (host_wait(word, seen, LOCK_PATIENCE, 0) != WAIT_TIMED_OUT)
			timeouts = 0;
		else if (++timeouts >= LOCK_LIMIT && self == HOST_SLOT && compare_exchange(word, &seen, mine))
			return;
	}
}

void
release(enum lock lock, int self)
{
	int			mine = self + 1;

	Assert(lock_held(lock, self));
	if (compare_exchange(&words[lock], &mine, 0))
		return;
	if (mine == ((self + 1) | CONTENDED))
	{
		store(&words[lock], 0);
		host_notify(&words[lock]);
	}
}

void
release_all(int slot)
{
	for (enum lock lock = 0; lock < NLOCK; lock++)
		if (lock_held(lock, slot))
			release(lock, slot);
}
