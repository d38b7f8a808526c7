/*
 * ask.c: asks the host questions whose answer takes a while, as one asks a service of the system: by a connection to a
 * local socket. A shutdown ends the question, the end of the stream ends the answer.
 */
#include "ask.h"
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Sends all of a question. Returns whether that has succeeded. */
static int
reach(int fd, const char *service)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd connecting = {.fd = fd, .events = POLLOUT};
	size_t		length = strlen(service);
	int			error = 0;
	socklen_t	size = sizeof(error);

	if (length > sizeof(address.sun_path))
		return 0;
	memcpy(address.sun_path, service, length);
	address.sun_path[0] = '\0';
	if (connect(fd, (struct sockaddr *) &address, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length)) == 0)
		return 1;
	if (errno != EINTR)
		return 0;
	while (poll(&connecting, 1, -1) < 0)
		if (errno != EINTR)
			return 0;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static int
send_all(int fd, const char *bytes, size_t length)
{
	while (length > 0)
	{
		ssize_t		n = send(fd, bytes, length, 0);

		if (n < 0 && errno != EINTR)
			return 0;
		if (n > 0)
		{
			bytes += n;
			length -= (size_t) n;
		}
	}
	return shutdown(fd, SHUT_WR) == 0;
}

int
ask_begin(const char *service, const void *question, size_t length)
{
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd >= 0 && reach(fd, service) && send_all(fd, question, length))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int
ask_host(const char *service, const void *question, size_t length, char *answer, size_t size)
{
	size_t		received = 0;
	int			fd = ask_begin(service, question, length);

	if (fd < 0)
		return -1;
	while (received < size)
	{
		ssize_t		n = recv(fd, answer + received, size - received, 0);

		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		if (n > 0)
			received += (size_t) n;
	}
	close(fd);
	return (int) received;
}
