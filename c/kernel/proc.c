/*
 * proc.c: processes begin, end, and are collected.
 *
 * A process is an instance of postgres.wasm. The kernel gives it a slot, a pid and memory; the host instantiates the
 * module there and runs it, on a thread of its own or suspended among others. There is no fork: a child begins at
 * main() with the arguments it was spawned with, as under PostgreSQL's EXEC_BACKEND.
 */
#include "proc.h"
#include <errno.h>
#include <signal.h>
#include "assert.h"
#include "atomic.h"
#include "lock.h"
#include "page.h"
#include "pipe.h"
#include "shm.h"
#include "socket.h"

struct proc *procs;
int			nproc;
uint32_t	image_size;

static uint32_t stack_depth,		/* bytes of C stack that a process may recurse into that is no attendant */
			stack_frame;

static int	generation;			/* so that a pid is not used again soon. PROC_LOCK */

/* Above all pids of the system's own processes, which PostgreSQL meets in a postmaster.pid of another server. */
#define FIRST_PID	(1 << 22)
#define LAST_PID	(1 << 30)

int
proc_boot(int count, uint32_t image, uint32_t depth, uint32_t frame)
{
	procs = page_alloc(HOST_SLOT, count * sizeof(struct proc), PAGE_OF_KERNEL);
	if (procs == NULL)
		return -ENOMEM;
	nproc = count;
	image_size = (image + STACK_ALIGNMENT - 1) & ~(uint32_t) (STACK_ALIGNMENT - 1);
	stack_depth = depth;
	stack_frame = frame;
	procs[HOST_SLOT].state = PROC_RUNNING;
	return 0;
}

/* Whether this slot is the host's or a running process'. */
int
proc_runs(int self)
{
	return self == HOST_SLOT || (self > HOST_SLOT && self < nproc && load(&procs[self].state) == PROC_RUNNING);
}

/* Bytes of a process' C stack. */
static uint32_t
stack_of(int slot)
{
	return procs[slot].attendant ? ATTENDANT_STACK : stack_depth + STACK_ROOM;
}

#define UNREACHED	0x5a		/* what the end of a stack has as long as no process has come there */

static void
guard_stack(int slot)
{
#ifdef USE_ASSERT_CHECKING
	__builtin_memset((void *) sys_stack_limit(slot), UNREACHED, STACK_GUARD);
#else
	(void) slot;
#endif
}

/* Whether a process has never come to the end of its stack. */
static int
stack_is_whole(int slot)
{
	const uint8_t *guard = (const uint8_t *) sys_stack_limit(slot);
	int			i = 0;

	while (i < STACK_GUARD && guard[i] == UNREACHED)
		i++;
	return i == STACK_GUARD;
}

/* How many bytes these arguments have, with their vector; more than ARGS_SIZE if there are too many. */
static uint32_t
arguments_size(char *const argv[])
{
	uint32_t	size = sizeof(char *);

	for (int i = 0; argv[i] != NULL && size <= ARGS_SIZE; i++)
	{
		size += sizeof(char *) + 1;
		for (const char *from = argv[i]; *from != '\0' && size <= ARGS_SIZE; from++)
			size++;
	}
	return size;
}

/* Copy the arguments to the child's own memory, where its main() will find them. */
static void
copy_arguments(int slot, char *const argv[])
{
	struct proc *p = &procs[slot];
	char	  **vector = (char **) sys_stack_base(slot);
	char	   *next;
	int			argc = 0;

	while (argv[argc] != NULL)
		argc++;
	next = (char *) (vector + argc + 1);
	for (int i = 0; i < argc; i++)
	{
		vector[i] = next;
		for (const char *from = argv[i]; (*next++ = *from) != '\0'; from++)
			;
	}
	vector[argc] = NULL;
	p->argc = argc;
	p->argv = vector;
}

/*
 * Takes a slot for a child. With pid 0 the child gets one of the kernel's choosing. The slot's last image stays known: the host has less to do
 * for a process whose image is where another's was (wasm/machine/process.ts).
 */
static int
reserve(int self, int pid)
{
	int			slot;
	struct proc *p;
	uint8_t    *image;

	acquire(PROC_LOCK, self);
	for (slot = HOST_SLOT + 1; slot < nproc && procs[slot].state != PROC_FREE; slot++)
		;
	if (slot == nproc)
	{
		release(PROC_LOCK, self);
		return -EAGAIN;
	}
	p = &procs[slot];
	image = p->image;
	__builtin_memset(p, 0, sizeof(*p));
	p->image = image;
	if (FIRST_PID + (generation + 1) * nproc > LAST_PID)
		generation = 0;
	p->pid = pid != 0 ? pid : FIRST_PID + generation++ * nproc + slot;
	p->parent = self;
	p->parent_pid = procs[self].pid;
	store(&p->state, PROC_RESERVED);
	release(PROC_LOCK, self);
	return slot;
}

/* Returns the child's slot. */
static int
spawn(int self, char *const argv[], int client, int pid, int attendant)
{
	uint32_t	arguments = arguments_size(argv);
	uint32_t	heap = client >= 0 ? CLIENT_HEAP : FIRST_HEAP;
	uint32_t	area;
	int			slot;
	int			result = 0;
	struct proc *p;

	if (arguments > ARGS_SIZE)
		return -E2BIG;
	slot = reserve(self, pid);
	if (slot < 0)
		return slot;
	p = &procs[slot];
	p->attendant = attendant;
	Assert(page_count(PAGE_OF_PROC(slot)) == 0);
	p->client = -1;
	p->signals.blocked = procs[self].signals.blocked;
	__builtin_memcpy(p->cwd, procs[self].cwd, PATH_SIZE);
	area = (image_size + stack_of(slot) + arguments + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	/* Without enough memory to begin, the child would only take memory from others. */
	p->image = page_alloc_used(self, area + heap, PAGE_OF_PROC(slot), p->image, &p->image_used);
	p->heap = p->image + area;
	p->heap_end = p->heap + heap;
	if (p->image == NULL)
		result = -ENOMEM;
	else
	{
		copy_arguments(slot, argv);
		guard_stack(slot);
		if (client >= 0)
			result = socket_give(self, client, slot);
	}
	if (result < 0)
	{
		page_free_all(self, PAGE_OF_PROC(slot));
		store(&p->state, PROC_FREE);
		return result;
	}
	p->client = client;
	store(&p->state, PROC_EMBRYO);
	work_post(WORK_SPAWN);
	return slot;
}

int
sys_spawn(int self, char *const argv[], int client, int attendant)
{
	int			slot = spawn(self, argv, client, 0, attendant);

	return slot < 0 ? slot : procs[slot].pid;
}

int
kernel_spawn(int argc, int pid, int attendant)
{
	char	   *argv[MAX_FIRST_ARGS];
	char	   *next = kernel_scratch();

	if (argc >= MAX_FIRST_ARGS)
		return -E2BIG;
	for (int i = 0; i < argc; i++)
	{
		argv[i] = next;
		while (*next++ != '\0')
			;
	}
	argv[argc] = NULL;
	return spawn(HOST_SLOT, argv, -1, pid, attendant);
}

/* Frees everything that a process had, and finishes calls in which it was ended. */
static void
free_all(int slot)
{
	release_all(slot);
	pipe_close_all(slot);
	socket_close_all(slot);
	shm_detach_all(slot);
	page_free_all(HOST_SLOT, PAGE_OF_PROC(slot));
}

/* The children of a process that has ended have no parent to collect them. A child that was only reserved is not started. */
static void
leave_children(int slot)
{
	for (int child = HOST_SLOT + 1; child < nproc; child++)
	{
		struct proc *p = &procs[child];
		int			state = load(&p->state);

		if (state == PROC_FREE || p->parent != slot || p->parent_pid != procs[slot].pid)
			continue;
		if (state == PROC_RESERVED)
			free_all(child);
		if (state == PROC_RESERVED || state == PROC_ZOMBIE)
			store(&p->state, PROC_FREE);
	}
}

void
kernel_exited(int slot, int status)
{
	struct proc *p = &procs[slot];
	int			parent = p->parent;

	Assert(slot > HOST_SLOT && proc_runs(slot));
	Assert(stack_is_whole(slot));
	free_all(slot);
	leave_children(slot);
	work_post_all();
	p->alarm = 0;
	p->status = status;

	/* Its memory is freed before it becomes a zombie, because from then on the slot may be used again. */
	if (parent == HOST_SLOT || load(&procs[parent].state) != PROC_RUNNING || procs[parent].pid != p->parent_pid)
		store(&p->state, PROC_FREE);
	else
	{
		store(&p->state, PROC_ZOMBIE);
		signal_post(parent, SIGCHLD);
		proc_wake(parent);		/* it may wait for the child, and ignore the signal */
	}
}

/* There are no processes. */
void
proc_check_idle(void)
{
	for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
		Assert(procs[slot].state == PROC_FREE);
}

int
sys_waitpid(int self, int pid, int *status, int block)
{
	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			children = 0;

		for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
		{
			struct proc *p = &procs[slot];
			int			state = load(&p->state);

			if (state == PROC_FREE || p->parent != self || p->parent_pid != procs[self].pid || (pid > 0 && p->pid != pid))
				continue;
			children++;
			if (state == PROC_ZOMBIE)
			{
				int			collected = p->pid;

				*status = p->status;
				store(&p->state, PROC_FREE);
				return collected;
			}
		}
		if (children == 0)
			return -ECHILD;
		if (!block)
			return 0;
		if (signal_deliverable(&procs[self]))
			return -EINTR;
		proc_sleep(self, seen, __builtin_inf(), 0);
	}
}

int
sys_getpid(int self)
{
	return procs[self].pid;
}

int
sys_getppid(int self)
{
	return procs[self].parent_pid;
}

int
sys_client(int self)
{
	return procs[self].client;
}

char *
sys_cwd(int self)
{
	return procs[self].cwd;
}

uint32_t
sys_stack_depth(int self)
{
	return procs[self].attendant ? ATTENDANT_STACK - ATTENDANT_ROOM : stack_depth;
}

uint32_t
sys_stack_most(void)
{
	return stack_depth;
}

uint32_t
sys_stack_frame(void)
{
	return stack_frame;
}

uintptr_t
sys_stack_limit(int self)
{
	return (uintptr_t) procs[self].image + image_size;
}

/* It grows downwards from here. */
uintptr_t
sys_stack_base(int self)
{
	return sys_stack_limit(self) + stack_of(self);
}
