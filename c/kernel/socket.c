/*
 * socket.c: the table of sockets.
 *
 * A socket belongs to one process, which can give it to a child (socket_give), and to the host. It is free again when
 * both have released it. The process notifies the host by events, and the host the process by wake-ups.
 */
#include "socket.h"
#include <errno.h>
#include <poll.h>
#include "assert.h"
#include "atomic.h"
#include "lock.h"
#include "page.h"
#include "proc.h"

#define REQUESTS	(SOCKET_LISTEN | SOCKET_CONNECT)	/* events that ask the host for something */

static struct socket *sockets;
static int	nsocket;
static volatile int reached;	/* no socket from here on has ever been used. SOCKET_LOCK to raise it */

int
socket_boot(int processes)
{
	nsocket = CONNECTIONS_EACH * processes + BACKLOG;
	Assert(nsocket <= PAGE_OF_SHM(0) - PAGE_OF_SOCKET(0));
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
	if (!(fetch_or(&s->events, event) & event) && !load(&s->moved))
		work_post(WORK_SOCKET);
}

void
socket_tell_process(struct socket *s)
{
	int			slot = s->poller;

	if (slot != 0)
		proc_wake(slot);
}

/* A new socket, which belongs to the caller, a process or the host. */
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
		Assert(page_count(PAGE_OF_SOCKET(found - sockets)) == 0);
		if (found - sockets >= reached)
			reached = (int) (found - sockets) + 1;
		__builtin_memset(found, 0, sizeof(*found));
		found->descriptor = -1;
		found->owner = self;
		found->hosted = self == HOST_SLOT;
		store(&found->state, state);
	}
	release(SOCKET_LOCK, self);
	return found;
}

static int
is_unused(const struct socket *s)
{
	return s->state != SOCKET_FREE && s->state != SOCKET_FREEING && s->owner == 0 && !s->hosted && !s->queued;
}

/* Process and host may release a socket at the same time. Tells one of them that it was the last. SOCKET_LOCK */
static int
take_if_unused(int self, struct socket *s)
{
	if (!is_unused(s))
		return 0;
	s->events = 0;
	s->owner = self;
	store(&s->state, SOCKET_FREEING);
	return 1;
}

static void
give_back(int self, struct socket *s)
{
	Assert(s->state == SOCKET_FREEING);
	page_free_all(self, PAGE_OF_SOCKET(s - sockets));
	store(&s->state, SOCKET_FREE);
}

void
socket_free_if_unused(int self, struct socket *s)
{
	int			unused;

	acquire(SOCKET_LOCK, self);
	unused = take_if_unused(self, s);
	release(SOCKET_LOCK, self);
	if (unused)
		give_back(self, s);
}

int
socket_make_rings(struct socket *s)
{
	s->input.bytes = page_alloc(HOST_SLOT, 2 * RING_SIZE, PAGE_OF_SOCKET(s - sockets));
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
socket_moved(int fd)
{
	struct socket *s = socket_of(fd);

	return s != NULL && s->moved;
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

/* Releases the socket for its process; the host calls it for a process that has ended. */
static void
let_go(int self, struct socket *s)
{
	int			unused;

	if (s->state == SOCKET_LISTENING)
		socket_refuse_queued(self, s);
	acquire(SOCKET_LOCK, self);
	s->poller = 0;
	store(&s->sending, 0);
	if (s->hosted)
		socket_tell_host(s, SOCKET_CLOSED);
	store(&s->owner, 0);
	unused = take_if_unused(self, s);
	release(SOCKET_LOCK, self);
	if (unused)
		give_back(self, s);
}

void
socket_close(int self, int fd)
{
	struct socket *s = socket_of(fd);

	if (s != NULL && s->owner == self)
		let_go(self, s);
}

/* Releases the sockets of a process that has ended, and finishes freeing one if it was ended there. */
void
socket_close_all(int slot)
{
	for (int i = 0; i < load(&reached); i++)
	{
		struct socket *s = &sockets[i];

		if (s->state == SOCKET_FREEING && s->owner == slot)
			give_back(HOST_SLOT, s);
		else if (s->state != SOCKET_FREE && s->owner == slot)
			let_go(HOST_SLOT, s);
		else if (is_unused(s))
			socket_free_if_unused(HOST_SLOT, s);
	}
}

/* ---- the host's side ---- */

/* A socket with events, or 0. */
int
kernel_next_socket(void)
{
	for (int i = 0; i < load(&reached); i++)
		if (sockets[i].state != SOCKET_FREE && sockets[i].events != 0 && !sockets[i].moved)
			return socket_fd(&sockets[i]);
	return 0;
}

void
kernel_move(int fd)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	Assert(s->state == SOCKET_CONNECTED && s->hosted);
	s->descriptor = -1;
	store(&s->moved, 1);
}

/* A request makes the socket the host's as well, unless the process has released it meanwhile. */
int
kernel_socket_events(int fd)
{
	struct socket *s = &sockets[fd & FD_INDEX];
	int			events;

	if (!(load(&s->events) & REQUESTS))
		return fetch_and(&s->events, REQUESTS) & ~REQUESTS;
	acquire(SOCKET_LOCK, HOST_SLOT);
	events = exchange(&s->events, 0);
	if (events & REQUESTS)
	{
		if (s->owner != 0)
			s->hosted = 1;
		else
			events = 0;
	}
	release(SOCKET_LOCK, HOST_SLOT);
	return events;
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

	Assert(s->state != SOCKET_FREE && s->hosted);
	store(&s->hosted, 0);
	socket_free_if_unused(HOST_SLOT, s);
}

/* There are no sockets. */
void
socket_check_idle(void)
{
	for (int i = 0; i < nsocket; i++)
	{
		Assert(sockets[i].state == SOCKET_FREE);
		Assert(i < reached || page_count(PAGE_OF_SOCKET(i)) == 0);
	}
}
