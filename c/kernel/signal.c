/*
 * signal.c: signals are posted here; the process itself runs its handlers (c/posix/signals.c), when it enters the
 * kernel to wait or asks for interrupts.
 */
#include <errno.h>
#include <signal.h>
#include "atomic.h"
#include "proc.h"

uint32_t
signal_deliverable(struct proc *p)
{
	return load(&p->signals.pending) & ~p->signals.blocked & ~p->signals.ignored;
}

void
signal_post(int slot, int signal)
{
	struct proc *p = &procs[slot];
	uint32_t	bit = 1u << (signal - 1);

	if (p->signals.ignored & bit)
		return;
	fetch_or(&p->signals.pending, bit);
	proc_wake(slot);
	if (signal == SIGKILL)
		work_post(WORK_KILL);
}

int
sys_kill(int self, int pid, int signal)
{
	(void) self;
	if (signal < 0 || signal > 31)
		return -EINVAL;
	for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
	{
		int			state = load(&procs[slot].state);

		if (state <= PROC_RESERVED || procs[slot].pid != pid)
			continue;
		if (signal != 0 && state != PROC_ZOMBIE)
			signal_post(slot, signal);
		return 0;
	}
	return -ESRCH;
}

struct signals *
sys_signals(int self)
{
	return &procs[self].signals;
}
