/*
 * pipe.c: PostgreSQL's self-pipes (how a latch interrupts poll), its postmaster death watch, and its log collector's
 * pipe.
 *
 * A reader that finds a pipe empty writes its slot to `reader`. When the owner ends, all readers of its pipes must
 * see the end of the stream, and only the last one is noted, so then all processes are woken. Most pipes are of the
 * first kind, which only their owner uses: nobody waits for the end of such a one.
 */
#include "pipe.h"
#include <errno.h>
#include <poll.h>
#include "assert.h"
#include "atomic.h"
#include "lock.h"
#include "page.h"
#include "param.h"
#include "proc.h"

struct pipe
{
	int			owner;			/* slot of the process that made it; 0 when free. PIPE_LOCK */
	int			closed[2];		/* read end, write end */
	int			nonblock[2];
	volatile int shared;		/* whether another process than the owner has ever used one in this place */
	volatile int reader;		/* slot of a process that waits for bytes */
	volatile int writer;		/* slot of a process that waits for room */
	uint32_t	head;			/* bytes ever written. PIPE_LOCK */
	uint32_t	tail;			/* bytes ever read. PIPE_LOCK */
	uint8_t		bytes[PIPE_SIZE];
};

static struct pipe *pipes;
static int	npipe;

int
pipe_boot(int processes)
{
	npipe = processes + 16;		/* each process has one, the postmaster a few */
	pipes = page_alloc(HOST_SLOT, npipe * sizeof(struct pipe), PAGE_OF_KERNEL);
	return pipes == NULL ? -ENOMEM : 0;
}

static struct pipe *
pipe_of(int fd)
{
	int			index = (fd & FD_INDEX) >> 1;

	return index < npipe && load(&pipes[index].owner) != 0 ? &pipes[index] : NULL;
}

/*
 * The pipe, for a process that may wait for it. Another process than the owner is noted before it is seen whether the
 * owner is there, and the owner's end is noted before it is seen whether there is another process.
 */
static struct pipe *
pipe_used_by(int self, int fd)
{
	struct pipe *p = pipe_of(fd);

	if (p == NULL || p->owner == self)
		return p;
	store(&p->shared, 1);
	return pipe_of(fd);
}

int
sys_pipe(int self, int ends[2])
{
	acquire(PIPE_LOCK, self);
	for (int i = 0; i < npipe; i++)
	{
		struct pipe *p = &pipes[i];

		if (p->owner != 0)
			continue;
		p->closed[0] = p->closed[1] = p->nonblock[0] = p->nonblock[1] = 0;
		p->reader = p->writer = 0;
		p->head = p->tail = 0;
		p->owner = self;
		release(PIPE_LOCK, self);
		ends[0] = PIPE_FD | i << 1;
		ends[1] = PIPE_FD | i << 1 | 1;
		return 0;
	}
	release(PIPE_LOCK, self);
	return -EMFILE;
}

/* PIPE_LOCK */
static uint32_t
take(struct pipe *p, uint8_t *buffer, uint32_t length)
{
	uint32_t	n = p->head - p->tail;

	Assert(n <= PIPE_SIZE);
	if (n > length)
		n = length;
	for (uint32_t i = 0; i < n; i++)
		buffer[i] = p->bytes[(p->tail + i) % PIPE_SIZE];
	p->tail += n;
	return n;
}

/* All or nothing if it fits into an empty pipe, as POSIX wants of up to PIPE_BUF bytes. PIPE_LOCK */
static uint32_t
put(struct pipe *p, const uint8_t *buffer, uint32_t length)
{
	uint32_t	space = PIPE_SIZE - (p->head - p->tail);
	uint32_t	n = length <= space ? length : length <= PIPE_SIZE ? 0 : space;

	Assert(space <= PIPE_SIZE);
	for (uint32_t i = 0; i < n; i++)
		p->bytes[(p->head + i) % PIPE_SIZE] = buffer[i];
	p->head += n;
	return n;
}

int
sys_pipe_read(int self, int fd, void *buffer, uint32_t length)
{
	for (;;)
	{
		int			seen = load(&procs[self].event);
		struct pipe *p = pipe_used_by(self, fd);
		uint32_t	n;
		int			result;

		if (p == NULL)
			return 0;			/* its owner is gone */
		p->reader = self;
		acquire(PIPE_LOCK, self);
		n = take(p, buffer, length);
		release(PIPE_LOCK, self);
		if (n > 0)
		{
			if (p->writer != 0)
				proc_wake(exchange(&p->writer, 0));
			return n;
		}
		if (p->closed[1] || length == 0)
			return 0;
		result = proc_block(self, seen, p->nonblock[0]);
		if (result < 0)
			return result;
	}
}

int
sys_pipe_write(int self, int fd, const void *buffer, uint32_t length)
{
	for (;;)
	{
		int			seen = load(&procs[self].event);
		struct pipe *p = pipe_used_by(self, fd);
		uint32_t	n;
		int			result;

		if (p == NULL || p->closed[0])
			return -EPIPE;
		p->writer = self;
		acquire(PIPE_LOCK, self);
		n = put(p, buffer, length);
		release(PIPE_LOCK, self);
		if (n > 0 || length == 0)
		{
			if (p->reader != 0)
				proc_wake(exchange(&p->reader, 0));
			return n;
		}
		result = proc_block(self, seen, p->nonblock[1]);
		if (result < 0)
			return result;
	}
}

int
pipe_poll(int self, int fd, int events)
{
	struct pipe *p = pipe_used_by(self, fd);
	int			ready = 0;

	if (p == NULL)
		return POLLHUP;
	if (fd & 1)
	{
		p->writer = self;
		if (p->closed[0])
			ready = POLLERR;
		else if (PIPE_SIZE - (p->head - p->tail) > 0)
			ready = POLLOUT & events;
	}
	else
	{
		p->reader = self;
		if (p->head != p->tail)
			ready = POLLIN & events;
		if (p->closed[1])
			ready |= POLLHUP;
	}
	return ready;
}

int
pipe_nonblock(int fd, int nonblock)
{
	struct pipe *p = pipe_of(fd);

	if (p == NULL)
		return -EBADF;
	p->nonblock[fd & 1] = nonblock;
	return 0;
}

static void
wake_everybody(void)
{
	for (int slot = HOST_SLOT + 1; slot < nproc; slot++)
		if (load(&procs[slot].state) == PROC_RUNNING)
			proc_wake(slot);
}

void
pipe_close(int self, int fd)
{
	struct pipe *p = pipe_of(fd);

	if (p == NULL || p->owner != self)
		return;
	store(&p->closed[fd & 1], 1);
	if (p->closed[0] && p->closed[1])
		store(&p->owner, 0);
	else if (load(&p->shared))
		wake_everybody();
}

void
pipe_close_all(int slot)
{
	int			any = 0;

	for (int i = 0; i < npipe; i++)
		if (pipes[i].owner == slot)
		{
			store(&pipes[i].owner, 0);
			any |= load(&pipes[i].shared);
		}
	if (any)
		wake_everybody();
}

/* There are no pipes. */
void
pipe_check_idle(void)
{
	for (int i = 0; i < npipe; i++)
		Assert(pipes[i].owner == 0);
}
