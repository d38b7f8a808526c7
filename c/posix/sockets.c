/*
 * sockets.c: sockets. The client's bytes go their own way (client.c); all other sockets are the kernel's.
 */
#include "descriptors.h"
#include "process.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "kernel/kernel.h"
#include "client.h"
#include "peer.h"

/* ---- bytes ---- */

int
socket_recv(int fd, void *buffer, size_t length)
{
	return is_client(fd) ? client_recv(buffer, length) : sys_recv(self, fd, buffer, length);
}

int
socket_send(int fd, const void *buffer, size_t length)
{
	return is_client(fd) ? client_send(buffer, length) : sys_send(self, fd, buffer, length);
}

ssize_t
recv(int fd, void *buffer, size_t length, int flags)
{
	(void) flags;
	return answer(socket_recv(fd, buffer, length));
}

ssize_t
send(int fd, const void *buffer, size_t length, int flags)
{
	(void) flags;
	return answer(socket_send(fd, buffer, length));
}

ssize_t
recvfrom(int fd, void *restrict buffer, size_t length, int flags, struct sockaddr *restrict from, socklen_t *restrict size)
{
	(void) from;
	if (size != NULL)
		*size = 0;
	return recv(fd, buffer, length, flags);
}

ssize_t
sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
	(void) to;
	(void) size;
	return send(fd, buffer, length, flags);
}

/* ---- connections ---- */

int
socket(int domain, int type, int protocol)
{
	int			fd;

	(void) protocol;
	if ((type & 0xf) != SOCK_STREAM || (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX))
	{
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = answer(sys_socket(self));
	if (fd >= 0 && (type & SOCK_NONBLOCK))
		sys_nonblock(self, fd, 1);
	return fd;
}

/*
 * A socket that listens has a port. One that is bound without a port is to connect, as the one that asks an ident server is: the host
 * chooses its address.
 */
int
bind(int fd, const struct sockaddr *address, socklen_t length)
{
	/* The port is at the same place in both families. */
	if (address->sa_family != AF_UNIX && ((const struct sockaddr_in *) address)->sin_port == 0)
		return 0;
	return answer(sys_bind(self, fd, address, length));
}

int
listen(int fd, int backlog)
{
	(void) backlog;
	return answer(sys_listen(self, fd));
}

static void
copy_address(const struct address *from, struct sockaddr *to, socklen_t *length)
{
	socklen_t	size = from->length < *length ? from->length : *length;

	memcpy(to, &from->storage, size);
	*length = from->length;
}

static int
address_of(int fd, int peer, struct sockaddr *address, socklen_t *length)
{
	struct address found = {.length = sizeof(sa_family_t), .storage.ss_family = AF_UNIX};
	int			result = sys_address(self, fd, peer, &found);

	if (result == -EBADF && is_client(fd))
		result = 0;
	if (result == 0)
		copy_address(&found, address, length);
	return answer(result);
}

int
accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	int			accepted = answer(sys_accept(self, fd));

	if (accepted >= 0 && address != NULL)
		address_of(accepted, 1, address, length);
	return accepted;
}

int
getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	return address_of(fd, 0, address, length);
}

int
getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	return address_of(fd, 1, address, length);
}

int
connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return answer(sys_connect(self, fd, address, length));
}

/* The host sets buffers, keep-alive and delays. */
int
setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	(void) fd;
	(void) level;
	(void) option;
	(void) value;
	(void) length;
	return 0;
}

int
getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict length)
{
	if (level == SOL_SOCKET && option == SO_PEERCRED)
		return peer_credentials(fd, value, length);
	memset(value, 0, *length);
	if (level == SOL_SOCKET && option == SO_ERROR && *length >= sizeof(int))
		*(int *) value = is_client(fd) ? 0 : sys_socket_error(fd);
	return 0;
}

/* Input is not shut down: a caller that wants none can close the socket. */
int
shutdown(int fd, int how)
{
	return how == SHUT_RD ? 0 : answer(sys_shutdown(self, fd));
}
