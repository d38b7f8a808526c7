/*
 * connect.c: connections that a process makes itself, as libpq does in WAL receivers and apply workers.
 *
 * The host connects, and later reports the result. Meanwhile the process does something else, polls, or waits here: all by its
 * wake word, so this works the same in a host where processes have no threads of their own. A connected socket is like a
 * client's connection (connection.c), and is closed like one when its process ends.
 */
#include "socket.h"
#include <errno.h>
#include "assert.h"
#include "atomic.h"
#include "proc.h"

int
sys_connect(int self, int fd, const void *address, uint32_t length)
{
	struct socket *s = socket_of(fd);

	if (s == NULL)
		return -EBADF;
	if (s->state == SOCKET_CONNECTED)
		return -EISCONN;
	if (s->state == SOCKET_CONNECTING)
		return -EALREADY;
	if (s->state != SOCKET_NEW || length > sizeof(s->peer.storage))
		return -EINVAL;
	s->peer.length = length;
	__builtin_memcpy(&s->peer.storage, address, length);
	s->error = 0;
	s->poller = self;
	store(&s->state, SOCKET_CONNECTING);
	socket_tell_host(s, SOCKET_CONNECT);
	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			result;

		if (load(&s->state) != SOCKET_CONNECTING)
			return -sys_socket_error(fd);
		result = proc_block(self, seen, s->nonblock);
		if (result < 0)
			return result == -EAGAIN ? -EINPROGRESS : result;
	}
}

int
sys_socket_error(int fd)
{
	struct socket *s = socket_of(fd);
	int			error;

	if (s == NULL)
		return EBADF;
	error = s->error;
	s->error = 0;
	return error;
}

/* After a failure the host releases the socket before the process learns of it, because the process may try again with it. */
int
kernel_connected(int fd, int error)
{
	struct socket *s = socket_of(fd);

	Assert(s != NULL && s->state == SOCKET_CONNECTING && s->hosted);
	if (error == 0 && socket_make_rings(s) < 0)
		error = ENOMEM;
	if (error == 0)
	{
		__builtin_memcpy(&s->local, kernel_scratch(), sizeof(s->local));
		store(&s->state, SOCKET_CONNECTED);
		socket_tell_process(s);
		return 0;
	}
	s->error = error;
	store(&s->hosted, 0);
	store(&s->state, SOCKET_NEW);
	socket_tell_process(s);
	socket_free_if_unused(HOST_SLOT, s);
	return -error;
}
