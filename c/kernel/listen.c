/*
 * listen.c: sockets that listen.
 *
 * The host listens. It queues connections until a process accepts them.
 */
#include "socket.h"
#include <errno.h>
#include "assert.h"
#include "atomic.h"
#include "host.h"
#include "lock.h"
#include "proc.h"

/*
 * The host listens from bind() on, not from listen(): a unix socket's file exists once it is bound, and a taken port is
 * reported there.
 */
int
sys_bind(int self, int fd, const void *address, uint32_t length)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->state != SOCKET_NEW || length > sizeof(s->local.storage))
		return -EINVAL;
	s->local.length = length;
	__builtin_memcpy(&s->local.storage, address, length);
	s->poller = self;
	store(&s->state, SOCKET_ASKED);
	socket_tell_host(s, SOCKET_LISTEN);
	for (;;)
	{
		int			seen = load(&procs[self].event);

		if (load(&s->state) != SOCKET_ASKED)
			return -s->error;
		if (proc_sleep(self, seen, __builtin_inf(), 0) == -EDEADLK)
			return -EDEADLK;
	}
}

int
sys_listen(int self, int fd)
{
	struct socket *s = socket_of(fd);

	(void) self;
	return s != NULL && s->state == SOCKET_LISTENING ? 0 : -EINVAL;
}

void
kernel_listening(int fd, int error)
{
	struct socket *s = socket_of(fd);

	Assert(s != NULL && s->state == SOCKET_ASKED && s->hosted);
	s->error = error;
	if (error != 0)
		s->hosted = 0;
	store(&s->state, error == 0 ? SOCKET_LISTENING : SOCKET_NEW);
	socket_tell_process(s);
	socket_free_if_unused(HOST_SLOT, s);
}

int
kernel_queue_client(int listener)
{
	struct socket *l = socket_of(listener);
	struct socket *s;
	int			listening;

	if (l == NULL || l->state != SOCKET_LISTENING)
		return -ECONNREFUSED;
	if (l->queue_head - l->queue_tail == BACKLOG)
		return -EAGAIN;
	s = socket_alloc(HOST_SLOT, SOCKET_CONNECTED);
	if (s == NULL)
		return -EMFILE;
	s->nonblock = 1;			/* a process waits for clients by poll() */
	if (socket_make_rings(s) < 0)
	{
		kernel_release(socket_fd(s));
		return -ENOMEM;
	}
	s->local = l->local;
	__builtin_memcpy(&s->peer, kernel_scratch(), sizeof(s->peer));
	acquire(SOCKET_LOCK, HOST_SLOT);
	listening = l->state == SOCKET_LISTENING;
	if (listening)
	{
		s->queued = 1;			/* until a process accepts it, even if the client disconnects before */
		l->queue[l->queue_head % BACKLOG] = socket_fd(s);
		store(&l->queue_head, l->queue_head + 1);
	}
	release(SOCKET_LOCK, HOST_SLOT);
	if (!listening)
	{
		kernel_release(socket_fd(s));
		return -ECONNREFUSED;
	}
	socket_tell_process(l);
	return socket_fd(s);
}

/*
 * The connection that has waited longest, or NULL. A connection that is not marked as queued any more belongs to a process that was
 * ended while it took it. SOCKET_LOCK
 */
static struct socket *
first_queued(struct socket *l)
{
	Assert(l->queue_head - l->queue_tail <= BACKLOG);
	for (; l->queue_head != l->queue_tail; store(&l->queue_tail, l->queue_tail + 1))
	{
		struct socket *s = socket_of(l->queue[l->queue_tail % BACKLOG]);

		if (s != NULL && s->queued)
			return s;
	}
	return NULL;
}

/* SOCKET_LOCK */
static void
dequeue(struct socket *l, struct socket *s)
{
	s->queued = 0;
	store(&l->queue_tail, l->queue_tail + 1);
}

int
sys_accept(int self, int fd)
{
	struct socket *l = socket_of(fd);

	if (l == NULL || l->state != SOCKET_LISTENING)
		return -EINVAL;
	for (;;)
	{
		int			seen = load(&procs[self].event);
		struct socket *s;
		int			result;

		l->poller = self;
		acquire(SOCKET_LOCK, self);
		s = first_queued(l);
		if (s != NULL)
		{
			s->owner = self;	/* before it leaves the queue, so that it always has an owner */
			dequeue(l, s);
		}
		release(SOCKET_LOCK, self);
		if (s != NULL)
			return socket_fd(s);
		result = proc_block(self, seen, l->nonblock);
		if (result < 0)
			return result;
	}
}

/* One by one, so that the lock is not held for long. When the queue is empty, no further client is queued. */
void
socket_refuse_queued(int self, struct socket *l)
{
	struct socket *s;

	do
	{
		acquire(SOCKET_LOCK, self);
		s = first_queued(l);
		if (s == NULL)
			store(&l->state, SOCKET_NEW);
		else
		{
			if (s->hosted)
				socket_tell_host(s, SOCKET_CLOSED);
			dequeue(l, s);
		}
		release(SOCKET_LOCK, self);
		if (s != NULL)
			socket_free_if_unused(self, s);
	} while (s != NULL);
}
