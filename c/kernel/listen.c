/*
 * listen.c: sockets that listen.
 *
 * The host does the listening. It queues the connections that come until a process accepts them.
 */
#include "socket.h"
#include <errno.h>
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
	s->hosted = 1;
	store(&s->state, SOCKET_ASKED);
	socket_tell_host(s, SOCKET_LISTEN);
	for (;;)
	{
		int			seen = load(&procs[self].event);

		if (load(&s->state) != SOCKET_ASKED)
			return -s->error;
		if (proc_sleep(self, seen, __builtin_inf()) == -EDEADLK)
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

	if (s == NULL)
		return;
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

	if (l == NULL || l->state != SOCKET_LISTENING)
		return -ECONNREFUSED;
	if (l->queue_head - l->queue_tail == BACKLOG)
		return -EAGAIN;
	s = socket_alloc(HOST_SLOT, SOCKET_CONNECTED);
	if (s == NULL)
		return -EMFILE;
	s->nonblock = 1;			/* poll() is what waits for a client */
	if (socket_make_rings(s) < 0)
	{
		kernel_release(socket_fd(s));
		return -ENOMEM;
	}
	s->queued = 1;				/* and so it stays, even if the client leaves before it is accepted */
	s->local = l->local;
	__builtin_memcpy(&s->peer, kernel_scratch(), sizeof(s->peer));
	acquire(SOCKET_LOCK, HOST_SLOT);
	l->queue[l->queue_head % BACKLOG] = socket_fd(s);
	store(&l->queue_head, l->queue_head + 1);
	release(SOCKET_LOCK, HOST_SLOT);
	socket_tell_process(l);
	return socket_fd(s);
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
		int			accepted = 0;
		int			result;

		l->poller = self;
		acquire(SOCKET_LOCK, self);
		if (l->queue_head != l->queue_tail)
		{
			accepted = l->queue[l->queue_tail % BACKLOG];
			socket_of(accepted)->owner = self;
			socket_of(accepted)->queued = 0;
			store(&l->queue_tail, l->queue_tail + 1);
		}
		release(SOCKET_LOCK, self);
		if (accepted != 0)
			return accepted;
		result = proc_block(self, seen, l->nonblock);
		if (result < 0)
			return result;
	}
}

void
socket_refuse_queued(int self, struct socket *listener)
{
	while (listener->queue_tail != listener->queue_head)
	{
		struct socket *s = socket_of(listener->queue[listener->queue_tail++ % BACKLOG]);

		if (s->hosted)
			socket_tell_host(s, SOCKET_CLOSED);
		store(&s->queued, 0);
		socket_free_if_unused(self, s);
	}
}
