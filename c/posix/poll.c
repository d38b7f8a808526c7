/*
 * poll.c: waits for sockets and pipes. The kernel does it.
 */
#include "process.h"
#include <errno.h>
#include <poll.h>
#include "client.h"
#include "kernel/kernel.h"

/* If only the imports know the client, its input comes from the caller of this function, so there is no point in waiting. */
int
poll(struct pollfd *fds, nfds_t count, int ms)
{
	int			result = sys_poll(self, fds, count, ms);

	for (nfds_t i = 0; result > 0 && i < count; i++)
		if ((fds[i].revents & POLLNVAL) && is_client(fds[i].fd))
			result = -EDEADLK;
	return answer(result);
}

/* For the C library's own functions that wait, such as those of stdio. */
int
__syscall_poll(struct pollfd *fds, nfds_t count, int ms)
{
	return sys_poll(self, fds, count, ms);
}
