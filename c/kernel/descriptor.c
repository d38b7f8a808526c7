/*
 * descriptor.c: calls on a descriptor of the kernel, for every kind of object (param.h).
 */
#include <errno.h>
#include "pipe.h"
#include "socket.h"

int
sys_close(int self, int fd)
{
	if (fd >= SOCKET_FD)
		socket_close(self, fd);
	else if (fd >= PIPE_FD)
		pipe_close(self, fd);
	else
		return -EBADF;
	return 0;
}

int
sys_nonblock(int self, int fd, int nonblock)
{
	(void) self;
	if (fd >= SOCKET_FD)
		return socket_nonblock(fd, nonblock);
	return fd >= PIPE_FD ? pipe_nonblock(fd, nonblock) : -EBADF;
}
