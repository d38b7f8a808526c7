/*
 * poll.c: wait for any of several pipes and sockets. Files are always ready and never get here.
 */
#include <errno.h>
#include <poll.h>
#include "atomic.h"
#include "host.h"
#include "pipe.h"
#include "proc.h"
#include "socket.h"

/* Looks at all of them. Sets `moved` if this thread does the host's part for one. */
static int
scan(int self, struct pollfd *fds, uint32_t count, int *moved)
{
	int			ready = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		struct pollfd *f = &fds[i];

		if (f->fd < 0)
			f->revents = 0;
		else if (f->fd >= SOCKET_FD)
		{
			f->revents = (short) socket_poll(self, f->fd, f->events);
			*moved |= socket_moved(f->fd);
		}
		else if (f->fd >= PIPE_FD)
			f->revents = (short) pipe_poll(self, f->fd, f->events);
		else
			f->revents = f->events & (POLLIN | POLLOUT);
		if (f->revents != 0)
			ready++;
	}
	return ready;
}

int
sys_poll(int self, struct pollfd *fds, uint32_t count, double ms)
{
	double		deadline = ms < 0 ? __builtin_inf() : ms == 0 ? 0 : host_now() + ms;

	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			moved = 0;
		int			ready;
		int			result;

		if (signal_deliverable(&procs[self]))
			return -EINTR;
		ready = scan(self, fds, count, &moved);
		if (ready > 0 || (ms == 0 && !moved))
			return ready;
		if (ms == 0)
		{
			/* This thread has to look whether there is anything. */
			host_wait(&procs[self].event, seen, 0, moved);
			return scan(self, fds, count, &moved);
		}
		result = proc_sleep(self, seen, deadline, moved);
		if (result == -ETIMEDOUT)
			return 0;
		if (result < 0)
			return result;
	}
}
