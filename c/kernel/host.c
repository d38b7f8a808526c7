/*
 * host.c: requests of processes to the host, and the host's functions for the process table.
 */
#include "host.h"
#include <errno.h>
#include <signal.h>
#include "assert.h"
#include "atomic.h"
#include "lock.h"
#include "page.h"
#include "pipe.h"
#include "proc.h"
#include "shm.h"
#include "socket.h"

static volatile int word;		/* the host's wake word */
static volatile int work;		/* WORK_ bits */
static void *scratch;

int
kernel_boot(int count, uint32_t image, uint32_t depth, uint32_t frame)
{
	scratch = page_alloc(HOST_SLOT, PAGE_SIZE, PAGE_OF_KERNEL);
	if (scratch == NULL || proc_boot(count, image, depth, frame) < 0 || pipe_boot(count) < 0 || socket_boot(count) < 0 ||
		shm_boot(count) < 0)
		return -ENOMEM;
	return 0;
}

/* Wakes the host only if some of the work is new: the host takes all work before it sleeps. */
void
work_post(int bits)
{
	if ((fetch_or(&work, bits) & bits) == bits)
		return;
	fetch_add(&word, 1);
	host_notify(&word);
}

/* Makes the host look for all kinds of work: a process that has ended may have made some that it did not come to post. */
void
work_post_all(void)
{
	work_post(WORK_SPAWN | WORK_KILL | WORK_TIMER | WORK_SOCKET);
}

int
kernel_work(void)
{
	return exchange(&work, 0);
}

volatile int *
kernel_word(void)
{
	return &word;
}

void *
kernel_scratch(void)
{
	return scratch;
}

/* Takes a process that is to be started, or returns 0. */
int
kernel_next_embryo(void)
{
	for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
	{
		int			embryo = PROC_EMBRYO;

		if (compare_exchange(&procs[slot].state, &embryo, PROC_RUNNING))
			return slot;
	}
	return 0;
}

/* A process that was sent SIGKILL and has not ended yet, or 0. The host ends its thread and calls kernel_exited(). */
int
kernel_next_killed(void)
{
	for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
		if (load(&procs[slot].state) == PROC_RUNNING &&
			(load(&procs[slot].signals.pending) & (1u << (SIGKILL - 1))))
			return slot;
	return 0;
}

uintptr_t
kernel_image(int slot)
{
	return (uintptr_t) procs[slot].image;
}

/* Sets the place for a process' data to zero. Pages that no process has used are zero already, and not touched. */
void
kernel_clear_image(int slot)
{
	struct proc *p = &procs[slot];

	__builtin_memset(p->image, 0, p->image_used < image_size ? p->image_used : image_size);
}

int
kernel_attendant(int slot)
{
	return procs[slot].attendant;
}

int
kernel_argc(int slot)
{
	return procs[slot].argc;
}

uintptr_t
kernel_argv(int slot)
{
	return (uintptr_t) procs[slot].argv;
}

const char *
kernel_argument(int slot, int index)
{
	return procs[slot].argv[index];
}

int
kernel_pid(int slot)
{
	return procs[slot].pid;
}

int
kernel_state(int slot)
{
	return load(&procs[slot].state);
}

int
kernel_pages(int slot)
{
	return page_count(PAGE_OF_PROC(slot));
}

int
kernel_kill(int slot, int signal)
{
	if (load(&procs[slot].state) != PROC_RUNNING)
		return -ESRCH;
	signal_post(slot, signal);
	return 0;
}

volatile int *
kernel_event(int slot)
{
	return &procs[slot].event;
}

int
kernel_signalled(int slot)
{
	return signal_deliverable(&procs[slot]) != 0;
}

#ifdef USE_ASSERT_CHECKING
void
kernel_check_idle(void)
{
	Assert(!lock_held_any(HOST_SLOT));
	proc_check_idle();
	pipe_check_idle();
	socket_check_idle();
	shm_check_idle();
	page_check_idle();
}
#endif
