/*
 * peer.c: the user at the other end of a connection, for peer authentication.
 *
 * A connection from within the server's own program belongs to the server's user. For a client of a unix socket this file asks the host
 * (ask.c). The question is the number of the socket; the answer is the name of the user, or empty if the host does not know it. Then the
 * call fails, which tells PostgreSQL that there is no peer authentication on this connection.
 */
#include "peer.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include "ask.h"
#include "kernel/param.h"
#include "users.h"


int
peer_credentials(int fd, struct ucred *credentials, socklen_t *length)
{
	static const char in_process[] = IN_PROCESS "/";
	struct sockaddr_un own;
	socklen_t	size = sizeof(own);
	char		question[16];
	char		name[USER_NAME_SIZE];
	uid_t		user = THE_USER;

	if (*length < sizeof(*credentials) || getsockname(fd, (struct sockaddr *) &own, &size) < 0 || own.sun_family != AF_UNIX)
	{
		errno = ENOSYS;
		return -1;
	}
	/* The name of an abstract socket begins with a NUL, which IN_PROCESS has as @. */
	if (size < offsetof(struct sockaddr_un, sun_path) + sizeof(in_process) - 1 || own.sun_path[0] != '\0' ||
		memcmp(own.sun_path + 1, in_process + 1, sizeof(in_process) - 2) != 0)
	{
		int			answered;

		snprintf(question, sizeof(question), "%d", fd);
		answered = ask_host(PEER_SERVICE, question, strlen(question) + 1, name, sizeof(name));
		if (answered <= 0 || name[answered - 1] != '\0')
		{
			errno = ENOSYS;
			return -1;
		}
		user = user_named(name);
	}
	*credentials = (struct ucred) {.uid = user, .gid = user};
	*length = sizeof(*credentials);
	return 0;
}
