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

static int
scan(int self, struct pollfd *fds, uint32_t count)
{
	int			ready = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		struct pollfd *f = &fds[i];

		if (f->fd < 0)
			f->revents = 0;
		else if (f->fd >= SOCKET_FD)
			f->revents = (short) socket_poll(self, f->fd, f->events);
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
		int			ready;
		int			result;

		if (signal_deliverable(&procs[self]))
			return -EINTR;
		ready = scan(self, fds, count);
		if (ready > 0 || ms == 0)
			return ready;
		result = proc_sleep(self, seen, deadline);
		if (result == -ETIMEDOUT)
			return 0;
		if (result < 0)
			return result;
	}
}
