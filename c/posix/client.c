/*
 * client.c: the process' client, whose bytes go through the module's two imports (pglite-comm-imports.h) and nothing
 * else. What a host does behind them is its own business.
 */
#include "client.h"
#include <string.h>
#include <sys/types.h>
#include "descriptors.h"
#include "kernel/kernel.h"
#include "pglite-comm-imports.h"
#include "process.h"

static int	descriptor = -1;	/* -1: there is no client, or its descriptor has not been asked for yet */
static const char *first;		/* bytes to be read before the client's own */
static size_t first_length;
static bool muted;				/* output is dropped */

void
client_start(void)
{
	descriptor = sys_client(self);
}

int
client_socket(void)
{
	if (descriptor < 0)
		descriptor = SOCKET_FD | FD_INDEX;
	return descriptor;
}

bool
is_client(int fd)
{
	return fd == descriptor;
}

int
client_recv(void *buffer, size_t length)
{
	if (first_length == 0)
		return (int) pglite_js_read(buffer, length);
	if (length > first_length)
		length = first_length;
	memcpy(buffer, first, length);
	first += length;
	first_length -= length;
	return (int) length;
}

int
client_send(const void *buffer, size_t length)
{
	return muted ? (int) length : (int) pglite_js_write(buffer, length);
}

bool
client_has_input(void)
{
	static char ahead[512];
	ssize_t		length;

	if (first_length > 0)
		return true;
	length = pglite_js_read(ahead, sizeof(ahead));
	if (length <= 0)
		return length == 0;		/* a process can read the end of the stream, too */
	first = ahead;
	first_length = (size_t) length;
	return true;
}

void
client_begin(const char *bytes, size_t length)
{
	first = bytes;
	first_length = length;
	muted = true;
}

void
client_begun(void)
{
	muted = false;
}
