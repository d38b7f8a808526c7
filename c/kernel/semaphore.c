/*
 * semaphore.c: counting semaphores, on which PostgreSQL's lightweight locks sleep.
 *
 * The caller puts a semaphore anywhere in the shared memory. It notes one sleeper: PostgreSQL gives each
 * process a semaphore of its own, and no other process waits for it. A process sleeps on its wake word and not on the
 * semaphore, so that a signal interrupts the wait.
 */
#include <errno.h>
#include "atomic.h"
#include "proc.h"

#define VALUE	0
#define SLEEPER	1				/* slot, 0 none */

int
sys_sem_trywait(volatile int *semaphore)
{
	int			value = load(&semaphore[VALUE]);

	while (value > 0)
		if (compare_exchange(&semaphore[VALUE], &value, value - 1))
			return 0;
	return -EAGAIN;
}

int
sys_sem_wait(int self, volatile int *semaphore)
{
	int			result;

	for (;;)
	{
		int			seen = load(&procs[self].event);

		store(&semaphore[SLEEPER], self);
		result = sys_sem_trywait(semaphore);
		if (result == 0)
			break;
		if (signal_deliverable(&procs[self]))
		{
			result = -EINTR;
			break;
		}
		if (proc_sleep(self, seen, __builtin_inf(), 0) == -EDEADLK)
		{
			result = -EDEADLK;
			break;
		}
	}
	store(&semaphore[SLEEPER], 0);
	return result;
}

void
sys_sem_post(volatile int *semaphore)
{
	int			sleeper;

	fetch_add(&semaphore[VALUE], 1);
	sleeper = load(&semaphore[SLEEPER]);
	if (sleeper > 0 && sleeper < nproc)
		proc_wake(sleeper);
}
