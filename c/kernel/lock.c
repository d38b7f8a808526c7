/*
 * lock.c: locks that survive their holder.
 *
 * A process may be ended by force at any instruction, also inside the kernel. So a lock's word names its holder, and
 * the host frees what a dead process held (release_all). The tables are written in an order that leaves them usable
 * at each step. Whoever waits takes the lock over after LOCK_PATIENCE from a holder that has been killed. The host must
 * not even wait for what it is about to hear of, the end of a holder by itself: it waits LOCK_LIMIT times.
 */
#include "lock.h"
#include "atomic.h"
#include "host.h"
#include "param.h"
#include "proc.h"

#define CONTENDED	0x40000000	/* somebody waits for the lock */
#define HOLDER(v)	(((v) & ~CONTENDED) - 1)

/* 0 when free, else the holder's slot + 1, and CONTENDED */
static volatile int words[NLOCK];

void
acquire(enum lock lock, int self)
{
	volatile int *word = &words[lock];
	int			mine = self + 1;

	for (int waits = 1;; waits++)
	{
		int			seen = 0;

		if (compare_exchange(word, &seen, mine))
			return;
		if (!(seen & CONTENDED) && !compare_exchange(word, &seen, seen | CONTENDED))
			continue;
		seen |= CONTENDED;
		mine = (self + 1) | CONTENDED;	/* others may wait beside us */
		if (host_wait(word, seen, LOCK_PATIENCE) == WAIT_TIMED_OUT &&
			(proc_killed(HOLDER(seen)) || (self == HOST_SLOT && waits >= LOCK_LIMIT)) &&
			compare_exchange(word, &seen, mine))
			return;
	}
}

void
release(enum lock lock, int self)
{
	int			mine = self + 1;

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
		release(lock, slot);
}
