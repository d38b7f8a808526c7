/*
 * socket.c: the table of sockets.
 *
 * A socket belongs to one process, which can give it to a child (socket_give), and to the host; it is free again when
 * both have let go. Each tells the other by events and wake-ups that there is something to see.
 */
#include "socket.h"
#include <errno.h>
#include <poll.h>
#include "atomic.h"
#include "lock.h"
#include "page.h"
#include "proc.h"

static struct socket *sockets;
static int	nsocket;
static volatile int reached;	/* no socket from here on has ever been used. SOCKET_LOCK to raise it */

int
socket_boot(int processes)
{
	nsocket = CONNECTIONS_EACH * processes + BACKLOG;
	sockets = page_alloc(HOST_SLOT, nsocket * sizeof(struct socket), PAGE_OF_KERNEL);
	return sockets == NULL ? -ENOMEM : 0;
}

struct socket *
socket_of(int fd)
{
	int			index = fd & FD_INDEX;

	return index < nsocket && sockets[index].state != SOCKET_FREE ? &sockets[index] : NULL;
}

int
socket_fd(struct socket *s)
{
	return SOCKET_FD | (int) (s - sockets);
}

void
socket_tell_host(struct socket *s, int event)
{
	if (!(fetch_or(&s->events, event) & event))
		work_post(WORK_SOCKET);
}

void
socket_tell_process(struct socket *s)
{
	int			slot = s->poller;

	if (slot != 0)
		proc_wake(slot);
}

/* A new socket, of the process or of the host, whoever asks. */
struct socket *
socket_alloc(int self, enum socket_state state)
{
	struct socket *found = NULL;

	acquire(SOCKET_LOCK, self);
	for (int i = 0; i < nsocket && found == NULL; i++)
		if (sockets[i].state == SOCKET_FREE)
			found = &sockets[i];
	if (found != NULL)
	{
		__builtin_memset(found, 0, sizeof(*found));
		found->descriptor = -1;
		found->owner = self;
		found->hosted = self == HOST_SLOT;
		found->state = state;
		if (found - sockets >= reached)
			reached = (int) (found - sockets) + 1;
	}
	release(SOCKET_LOCK, self);
	return found;
}

/* Process and host may let go at the same time, and both get here. */
void
socket_free_if_unused(int self, struct socket *s)
{
	uint8_t    *rings;

	acquire(SOCKET_LOCK, self);
	if (s->state != SOCKET_FREE && s->owner == 0 && !s->hosted && !s->queued)
	{
		rings = s->input.bytes;
		s->input.bytes = NULL;
		if (rings != NULL)
			page_free(self, rings, 2 * RING_SIZE);
		store(&s->state, SOCKET_FREE);
	}
	release(SOCKET_LOCK, self);
}

/* For the host alone: a process could be ended by force while it has the memory and the socket does not. */
int
socket_make_rings(struct socket *s)
{
	s->input.bytes = page_alloc(HOST_SLOT, 2 * RING_SIZE, PAGE_OF_KERNEL);
	if (s->input.bytes == NULL)
		return -ENOMEM;
	s->output.bytes = s->input.bytes + RING_SIZE;
	return 0;
}

/* ---- the process' side ---- */

int
sys_socket(int self)
{
	struct socket *s = socket_alloc(self, SOCKET_NEW);

	return s == NULL ? -EMFILE : socket_fd(s);
}

int
socket_nonblock(int fd, int nonblock)
{
	struct socket *s = socket_of(fd);

	if (s == NULL)
		return -EBADF;
	s->nonblock = nonblock;
	return 0;
}

int
sys_address(int self, int fd, int peer, struct address *address)
{
	struct socket *s = socket_of(fd);

	(void) self;
	if (s == NULL)
		return -EBADF;
	*address = peer ? s->peer : s->local;
	return 0;
}

int
socket_give(int self, int fd, int slot)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->owner != self)
		return -EBADF;
	s->owner = slot;
	s->poller = slot;
	return 0;
}

int
socket_poll(int self, int fd, int events)
{
	struct socket *s = socket_of(fd);
	int			ready = 0;
	int			ended;

	if (s == NULL)
		return POLLNVAL;
	s->poller = self;
	if (s->state == SOCKET_LISTENING)
		return load(&s->queue_head) != s->queue_tail ? POLLIN & events : 0;
	if (s->state == SOCKET_CONNECTING)
		return 0;
	if (s->state != SOCKET_CONNECTED)
		return ((POLLIN | POLLOUT) & events) | (s->error != 0 ? POLLERR | POLLHUP : POLLHUP);
	ended = load(&s->ended);
	if (load(&s->input.head) != s->input.tail || ended)
		ready |= POLLIN;
	if (s->output.head - load(&s->output.tail) < RING_SIZE)
		ready |= POLLOUT;
	if (ended)
		ready |= POLLRDHUP;
	ready &= events;
	if (ended == 2)
		ready |= POLLHUP;
	return ready;
}

void
socket_close(int self, int fd)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->owner != self)
		return;
	if (s->state == SOCKET_LISTENING)
		socket_refuse_queued(self, s);
	s->poller = 0;
	store(&s->sending, 0);
	if (s->hosted)
		socket_tell_host(s, SOCKET_CLOSED);
	store(&s->owner, 0);
	socket_free_if_unused(self, s);
}

void
socket_close_all(int slot)
{
	for (int i = 0; i < load(&reached); i++)
		if (sockets[i].state != SOCKET_FREE && sockets[i].owner == slot)
			socket_close(slot, SOCKET_FD | i);
}

/* ---- the host's side ---- */

/* A socket with events, or 0. */
int
kernel_next_socket(void)
{
	for (int i = 0; i < load(&reached); i++)
		if (sockets[i].state != SOCKET_FREE && sockets[i].events != 0)
			return socket_fd(&sockets[i]);
	return 0;
}

int
kernel_socket_events(int fd)
{
	return exchange(&sockets[fd & FD_INDEX].events, 0);
}

struct address *
kernel_socket_address(int fd)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	return s->state == SOCKET_CONNECTING ? &s->peer : &s->local;
}

void
kernel_release(int fd)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	store(&s->hosted, 0);
	socket_free_if_unused(HOST_SLOT, s);
}
