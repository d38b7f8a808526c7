/*
 * socket.c: client connections, each a pair of rings between a process and the host.
 *
 * The host puts a client's bytes into `input` and takes what the process wrote from `output`; each ring has one
 * writer and one reader, so head and tail need no lock. A ring that is full stops its writer, which is all the flow
 * control there is: memory never grows with the amount of data. A socket belongs to one process, which can give it
 * to a child (socket_give), and to the host; it is free again when both have let go.
 *
 * Where the host's threads can all write to the system's socket behind a connection, a process may do so itself and
 * spare the host the work (sys_direct_begin). It may while nothing that was written before is still on its way
 * through ring and host, and it falls back to the ring when the system's socket takes no more.
 *
 * A listening socket has a queue of connected sockets that no process has accepted yet.
 */
#include "socket.h"
#include <errno.h>
#include <poll.h>
#include "atomic.h"
#include "lock.h"
#include "page.h"
#include "param.h"
#include "proc.h"

enum socket_state
{
	SOCKET_FREE,
	SOCKET_NEW,					/* made by a process, not bound */
	SOCKET_ASKED,				/* the host has been asked to listen */
	SOCKET_LISTENING,
	SOCKET_CONNECTED
};

struct ring
{
	volatile uint32_t head;		/* bytes ever written, by the writer */
	volatile uint32_t tail;		/* bytes ever read, by the reader */
	uint8_t    *bytes;			/* RING_SIZE of them */
};

struct socket
{
	volatile int state;			/* enum socket_state. SOCKET_LOCK to leave SOCKET_FREE */
	volatile int owner;			/* slot of the process that holds it, 0 none */
	volatile int hosted;		/* the host holds it */
	volatile int poller;		/* slot of the process that waits for it, 0 none */
	volatile int events;		/* SOCKET_ bits that the host has yet to see */
	volatile int ended;			/* input: 0 more may come, 1 end of stream, 2 the client is gone */
	volatile int wants_space;	/* the host has input that does not fit */
	volatile int flushed;		/* the host has no output that it has taken and not yet sent */
	volatile int sending;		/* the process uses `descriptor` right now */
	int			descriptor;		/* the system's own socket, which the process may write to, or -1 */
	int			nonblock;
	int			error;			/* a failed bind's errno */
	struct address local;
	struct address peer;
	struct ring input;
	struct ring output;
	int			queue[BACKLOG];	/* a listener's connections to be accepted. SOCKET_LOCK */
	uint32_t	queue_head;
	uint32_t	queue_tail;
};

static struct socket *sockets;
static int	nsocket;

int
socket_boot(int processes)
{
	nsocket = processes + BACKLOG;
	sockets = page_alloc(HOST_SLOT, nsocket * sizeof(struct socket), PAGE_OF_KERNEL);
	return sockets == NULL ? -ENOMEM : 0;
}

static struct socket *
socket_of(int fd)
{
	int			index = fd & FD_INDEX;

	return index < nsocket && sockets[index].state != SOCKET_FREE ? &sockets[index] : NULL;
}

static int
fd_of(struct socket *s)
{
	return SOCKET_FD | (int) (s - sockets);
}

static void
tell_host(struct socket *s, int event)
{
	if (!(fetch_or(&s->events, event) & event))
		host_ask(WORK_SOCKET);
}

static void
tell_process(struct socket *s)
{
	int			slot = s->poller;

	if (slot != 0)
		proc_wake(slot);
}

static struct socket *
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
		found->state = state;
	}
	release(SOCKET_LOCK, self);
	return found;
}

static void
socket_free_if_unused(int self, struct socket *s)
{
	if (s->owner != 0 || s->hosted)
		return;
	if (s->input.bytes != NULL)
		page_free(self, s->input.bytes, 2 * RING_SIZE);
	s->input.bytes = NULL;
	store(&s->state, SOCKET_FREE);
}

/* ---- listening ---- */

int
sys_socket(int self)
{
	struct socket *s = socket_alloc(self, SOCKET_NEW);

	if (s == NULL)
		return -EMFILE;
	s->owner = self;
	return fd_of(s);
}

/*
 * The host listens from bind() on, not from listen(): a unix socket's file exists once it is bound, and a taken port is
 * reported there.
 */
int
sys_bind(int self, int fd, const void *address, uint32_t length)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->state != SOCKET_NEW || length > sizeof(s->local.storage))
		return -EINVAL;
	s->local.length = length;
	__builtin_memcpy(&s->local.storage, address, length);
	s->poller = self;
	s->hosted = 1;
	store(&s->state, SOCKET_ASKED);
	tell_host(s, SOCKET_LISTEN);
	for (;;)
	{
		int			seen = load(&procs[self].event);

		if (load(&s->state) != SOCKET_ASKED)
			return -s->error;
		if (proc_sleep(self, seen, __builtin_inf()) == -EDEADLK)
			return -EDEADLK;
	}
}

int
sys_listen(int self, int fd)
{
	struct socket *s = socket_of(fd);

	(void) self;
	return s != NULL && s->state == SOCKET_LISTENING ? 0 : -EINVAL;
}

void
host_listening(int fd, int error)
{
	struct socket *s = socket_of(fd);

	if (s == NULL)
		return;
	s->error = error;
	if (error != 0)
		s->hosted = 0;
	store(&s->state, error == 0 ? SOCKET_LISTENING : SOCKET_NEW);
	tell_process(s);
	socket_free_if_unused(HOST_SLOT, s);
}

int
host_connect(int listener)
{
	struct socket *l = socket_of(listener);
	struct socket *s;

	if (l == NULL || l->state != SOCKET_LISTENING)
		return -ECONNREFUSED;
	if (l->queue_head - l->queue_tail == BACKLOG)
		return -EAGAIN;
	s = socket_alloc(HOST_SLOT, SOCKET_CONNECTED);
	if (s == NULL)
		return -EMFILE;
	s->hosted = 1;
	s->nonblock = 1;			/* poll() is what waits for a client */
	s->input.bytes = page_alloc(HOST_SLOT, 2 * RING_SIZE, PAGE_OF_KERNEL);
	if (s->input.bytes == NULL)
	{
		host_release(fd_of(s));
		return -ENOMEM;
	}
	s->output.bytes = s->input.bytes + RING_SIZE;
	s->local = l->local;
	__builtin_memcpy(&s->peer, host_scratch(), sizeof(s->peer));
	acquire(SOCKET_LOCK, HOST_SLOT);
	l->queue[l->queue_head % BACKLOG] = fd_of(s);
	store(&l->queue_head, l->queue_head + 1);
	release(SOCKET_LOCK, HOST_SLOT);
	tell_process(l);
	return fd_of(s);
}

int
sys_accept(int self, int fd)
{
	struct socket *l = socket_of(fd);

	if (l == NULL || l->state != SOCKET_LISTENING)
		return -EINVAL;
	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			accepted = 0;

		l->poller = self;
		acquire(SOCKET_LOCK, self);
		if (l->queue_head != l->queue_tail)
		{
			accepted = l->queue[l->queue_tail % BACKLOG];
			sockets[accepted & FD_INDEX].owner = self;
			store(&l->queue_tail, l->queue_tail + 1);
		}
		release(SOCKET_LOCK, self);
		if (accepted != 0)
			return accepted;
		if (l->nonblock)
			return -EAGAIN;
		if (signal_deliverable(&procs[self]))
			return -EINTR;
		if (proc_sleep(self, seen, __builtin_inf()) == -EDEADLK)
			return -EDEADLK;
	}
}

/* ---- the process' side of a connection ---- */

/* Move up to `length` bytes between a buffer and the ring, from `position` on. */
static void
ring_copy(struct ring *ring, uint32_t position, uint8_t *buffer, uint32_t length, int write)
{
	uint32_t	offset = position % RING_SIZE;
	uint32_t	first = RING_SIZE - offset < length ? RING_SIZE - offset : length;

	if (write)
	{
		__builtin_memcpy(ring->bytes + offset, buffer, first);
		__builtin_memcpy(ring->bytes, buffer + first, length - first);
	}
	else
	{
		__builtin_memcpy(buffer, ring->bytes + offset, first);
		__builtin_memcpy(buffer + first, ring->bytes, length - first);
	}
}

int
sys_recv(int self, int fd, void *buffer, uint32_t length)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->state != SOCKET_CONNECTED)
		return -EBADF;
	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			ended = load(&s->ended);	/* before the ring: what came before the end must be read */
		uint32_t	n = load(&s->input.head) - s->input.tail;

		s->poller = self;
		if (n > 0)
		{
			if (n > length)
				n = length;
			ring_copy(&s->input, s->input.tail, buffer, n, 0);
			store(&s->input.tail, s->input.tail + n);
			if (s->wants_space)
				tell_host(s, SOCKET_SPACE);
			return (int) n;
		}
		if (ended)
			return 0;
		if (s->nonblock)
			return -EAGAIN;
		if (signal_deliverable(&procs[self]))
			return -EINTR;
		if (proc_sleep(self, seen, __builtin_inf()) == -EDEADLK)
			return -EDEADLK;
	}
}

int
sys_send(int self, int fd, const void *buffer, uint32_t length)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->state != SOCKET_CONNECTED)
		return -EBADF;
	for (;;)
	{
		int			seen = load(&procs[self].event);
		uint32_t	n = RING_SIZE - (s->output.head - load(&s->output.tail));

		s->poller = self;
		if (load(&s->ended) == 2)
			return -EPIPE;
		if (n > 0)
		{
			if (n > length)
				n = length;
			ring_copy(&s->output, s->output.head, (uint8_t *) buffer, n, 1);
			store(&s->output.head, s->output.head + n);
			tell_host(s, SOCKET_OUTPUT);
			return (int) n;
		}
		if (s->nonblock)
			return -EAGAIN;
		if (signal_deliverable(&procs[self]))
			return -EINTR;
		if (proc_sleep(self, seen, __builtin_inf()) == -EDEADLK)
			return -EDEADLK;
	}
}

/*
 * May the process write to the system's socket now? The ring is looked at before `flushed`: the host clears that
 * before it takes from the ring, so an empty ring whose last bytes are still in the host's hands is told apart.
 */
int
sys_direct_begin(int fd)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->descriptor < 0)
		return -1;
	store(&s->sending, 1);
	if (s->output.head == load(&s->output.tail) && load(&s->flushed) && load(&s->ended) != 2)
		return s->descriptor;
	store(&s->sending, 0);
	return -1;
}

void
sys_direct_end(int fd)
{
	store(&sockets[fd & FD_INDEX].sending, 0);
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
	if (s->state != SOCKET_CONNECTED)
		return POLLHUP;
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

void
socket_close(int self, int fd)
{
	struct socket *s = socket_of(fd);

	if (s == NULL || s->owner != self)
		return;
	s->poller = 0;
	store(&s->sending, 0);
	if (s->hosted)
		tell_host(s, SOCKET_CLOSED);
	store(&s->owner, 0);
	socket_free_if_unused(self, s);
}

void
socket_close_all(int slot)
{
	for (int i = 0; i < nsocket; i++)
	{
		struct socket *s = &sockets[i];

		if (s->state == SOCKET_FREE || s->owner != slot)
			continue;
		while (s->state == SOCKET_LISTENING && s->queue_tail != s->queue_head)
			tell_host(&sockets[s->queue[s->queue_tail++ % BACKLOG] & FD_INDEX], SOCKET_CLOSED);
		socket_close(slot, fd_of(s));
	}
}

/* ---- the host's side ---- */

/* A socket with events, or 0. */
int
host_next_socket(void)
{
	for (int i = 0; i < nsocket; i++)
		if (sockets[i].state != SOCKET_FREE && sockets[i].events != 0)
			return fd_of(&sockets[i]);
	return 0;
}

int
host_socket_events(int fd)
{
	return exchange(&sockets[fd & FD_INDEX].events, 0);
}

struct address *
host_socket_address(int fd)
{
	return &sockets[fd & FD_INDEX].local;
}

uintptr_t
host_input_at(int fd)
{
	struct ring *ring = &sockets[fd & FD_INDEX].input;

	return (uintptr_t) ring->bytes + ring->head % RING_SIZE;
}

uint32_t
host_input_space(int fd)
{
	struct socket *s = &sockets[fd & FD_INDEX];
	uint32_t	space = RING_SIZE - (s->input.head - load(&s->input.tail));
	uint32_t	contiguous = RING_SIZE - s->input.head % RING_SIZE;

	s->wants_space = 0;
	if (space == 0)
	{
		/* The process may have read in between, and not seen that the host wants space. */
		store(&s->wants_space, 1);
		space = RING_SIZE - (s->input.head - load(&s->input.tail));
	}
	return space < contiguous ? space : contiguous;
}

void
host_input_add(int fd, uint32_t length)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	store(&s->input.head, s->input.head + length);
	tell_process(s);
}

void
host_input_end(int fd, int reset)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	store(&s->ended, reset ? 2 : 1);
	tell_process(s);
}

uintptr_t
host_output_at(int fd)
{
	struct ring *ring = &sockets[fd & FD_INDEX].output;

	return (uintptr_t) ring->bytes + ring->tail % RING_SIZE;
}

/* Bytes of output, contiguous from host_output_at(). */
uint32_t
host_output_size(int fd)
{
	struct ring *ring = &sockets[fd & FD_INDEX].output;
	uint32_t	size = load(&ring->head) - ring->tail;
	uint32_t	contiguous = RING_SIZE - ring->tail % RING_SIZE;

	return size < contiguous ? size : contiguous;
}

/* Tell which of the system's sockets a connection is; from then on the process may write to it. */
void
host_direct(int fd, int descriptor)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	s->descriptor = descriptor;
	store(&s->flushed, 1);
}

/* All output that was taken has been sent. */
void
host_flushed(int fd)
{
	store(&sockets[fd & FD_INDEX].flushed, 1);
}

/* Is the process writing to the system's socket? After host_input_end(fd, 1) it will not begin to again. */
int
host_sending(int fd)
{
	return load(&sockets[fd & FD_INDEX].sending);
}

/* The process is woken when the ring was full enough that it may wait for room. */
void
host_output_take(int fd, uint32_t length)
{
	struct socket *s = &sockets[fd & FD_INDEX];
	uint32_t	size = s->output.head - s->output.tail;

	store(&s->flushed, 0);
	store(&s->output.tail, s->output.tail + length);
	if (size > RING_SIZE / 2)
		tell_process(s);
}

void
host_release(int fd)
{
	struct socket *s = &sockets[fd & FD_INDEX];

	store(&s->hosted, 0);
	socket_free_if_unused(HOST_SLOT, s);
}
