/*
 * sleep.c: how processes wait. There is no other way.
 *
 * To wake a process, others add 1 to its wake word and notify. A process that waits for something reads the
 * word first, then looks, and then sleeps only if the word has not changed since: so no wake-up is ever lost.
 */
#include <errno.h>
#include <signal.h>
#include "assert.h"
#include "atomic.h"
#include "host.h"
#include "lock.h"
#include "proc.h"

/*
 * Posts SIGALRM for the alarm that was due at this time, unless that has been done: the process and the host may both
 * see that it is due, and the process may already have set the next one.
 */
static void
ring(int slot, double alarm)
{
	union
	{
		double		time;
		uint64_t	bits;
	}			due = {.time = alarm};

	if (compare_exchange((volatile uint64_t *) &procs[slot].alarm, &due.bits, 0))
		signal_post(slot, SIGALRM);
}

/*
 * Sleep until the wake word is no longer `seen`, or until `deadline` (by host_now(); INFINITY for none). A process that
 * sleeps sees to its own alarm. `moved`: see host_wait(). Returns 0 when woken, -ETIMEDOUT, or -EDEADLK in a host that cannot block.
 */
int
proc_sleep(int self, int seen, double deadline, int moved)
{
	struct proc *p = &procs[self];
	double		alarm = p->alarm;
	double		until = alarm > 0 && alarm < deadline ? alarm : deadline;
	double		ms = -1;
	int			result = WAIT_WOKEN;

	Assert(self != HOST_SLOT && proc_runs(self));
	Assert(!lock_held_any(self));
	if (until != __builtin_inf())
		ms = until - host_now();
	if (until == __builtin_inf() || ms > 0)
		result = host_wait(&p->event, seen, ms, moved);
	else
		result = WAIT_TIMED_OUT;
	if (result == WAIT_IMPOSSIBLE)
		return -EDEADLK;
	if (result == WAIT_TIMED_OUT && until == alarm)
	{
		ring(self, alarm);
		if (alarm < deadline)
			return 0;
	}
	return result == WAIT_TIMED_OUT ? -ETIMEDOUT : 0;
}

/* For a call that has found nothing: waits, and returns 0 when the call may look again, or a negated errno. */
int
proc_block(int self, int seen, int nonblock)
{
	if (nonblock)
		return -EAGAIN;
	if (signal_deliverable(&procs[self]))
		return -EINTR;
	return proc_sleep(self, seen, __builtin_inf(), 0) == -EDEADLK ? -EDEADLK : 0;
}

void
proc_wake(int slot)
{
	fetch_add(&procs[slot].event, 1);
	host_notify(&procs[slot].event);
}

int
sys_sleep(int self, double ms)
{
	double		deadline = ms < 0 ? __builtin_inf() : host_now() + ms;

	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			result;

		if (signal_deliverable(&procs[self]))
			return -EINTR;
		result = proc_sleep(self, seen, deadline, 0);
		if (result == -ETIMEDOUT)
			return 0;
		if (result < 0)
			return result;
	}
}

/* ---- alarms ---- */

/*
 * When the host will look at alarms next; 0: it looks just now, or has no reason to. A process first sets its alarm and then reads this, the host
 * first clears this and then reads the alarms: so at least one of them sees what the other has done, and no alarm is forgotten.
 */
static volatile double next_look;

static double
load_time(volatile double *time)
{
	double		result;

	__atomic_load(time, &result, __ATOMIC_SEQ_CST);
	return result;
}

static void
store_time(volatile double *time, double value)
{
	__atomic_store(time, &value, __ATOMIC_SEQ_CST);
}

double
sys_alarm(int self, double ms)
{
	struct proc *p = &procs[self];
	double		old = p->alarm;
	double		left = 0;
	double		alarm,
				look;

	if (old > 0)
	{
		left = old - host_now();
		if (left < 0.001)
			left = 0.001;
	}
	if (ms <= 0)
	{
		p->alarm = 0;
		return left;
	}
	alarm = host_now() + ms;
	store_time(&p->alarm, alarm);
	look = load_time(&next_look);
	if (look == 0 || alarm < look)
		work_post(WORK_TIMER);
	return left;
}

/* A process that computes does not post its own alarm, so the host does. */
double
kernel_post_alarms(double time)
{
	double		next = 0;

	store_time(&next_look, 0);
	for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
	{
		struct proc *p = &procs[slot];
		double		alarm = load_time(&p->alarm);

		if (alarm == 0 || load(&p->state) != PROC_RUNNING)
			continue;
		if (alarm <= time)
			ring(slot, alarm);
		else if (next == 0 || alarm < next)
			next = alarm;
	}
	store_time(&next_look, next);
	return next;
}
