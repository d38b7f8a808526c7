/*
 * connection.c: connections, from clients or to other servers, each a pair of rings between a process and the host.
 *
 * The host puts the other side's bytes into `input` and takes what the process wrote from `output`; each ring has one
 * writer and one reader, so head and tail need no lock. A ring that is full stops its writer, which is all the flow
 * control there is: memory never grows with the amount of data.
 *
 * If all of the host's threads can write to the system's socket behind a connection, a process may do so itself, which
 * saves the host the work (sys_direct_begin). It may do so while no earlier output is still in the ring or with the host. It
 * uses the ring when the system's socket takes no more.
 */
#include "socket.h"
#include <errno.h>
#include "assert.h"
#include "atomic.h"
#include "proc.h"

static uint64_t received;		/* bytes ever, by all connections */
static uint64_t sent;

/* Bytes that can be read. Only the reader makes them fewer. */
static uint32_t
filled(const struct ring *ring)
{
	uint32_t	n = load(&ring->head) - ring->tail;

	Assert(ring->bytes != NULL && n <= RING_SIZE);
	return n;
}

/* Bytes that can be written. Only the writer makes them fewer. */
static uint32_t
room(const struct ring *ring)
{
	uint32_t	n = ring->head - load(&ring->tail);

	Assert(ring->bytes != NULL && n <= RING_SIZE);
	return RING_SIZE - n;
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

	if (s == NULL)
		return -EBADF;
	if (s->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	Assert(s->owner == self || self == HOST_SLOT);	/* the host while it knows the process not to read */
	for (;;)
	{
		int			seen = load(&procs[self].event);
		int			ended = load(&s->ended);	/* before the ring: what came before the end must be read */
		uint32_t	n = filled(&s->input);
		int			result;

		s->poller = self;
		if (n > 0)
		{
			if (n > length)
				n = length;
			ring_copy(&s->input, s->input.tail, buffer, n, 0);
			store(&s->input.tail, s->input.tail + n);
			if (s->wants_space)
				socket_tell_host(s, SOCKET_SPACE);
			return (int) n;
		}
		if (ended)
			return 0;
		result = proc_block(self, seen, s->nonblock);
		if (result < 0)
			return result;
	}
}

int
sys_send(int self, int fd, const void *buffer, uint32_t length)
{
	struct socket *s = socket_of(fd);

	if (s == NULL)
		return -EBADF;
	if (s->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	Assert(s->owner == self);
	for (;;)
	{
		int			seen = load(&procs[self].event);
		uint32_t	n = room(&s->output);
		int			result;

		s->poller = self;
		if (load(&s->ended) == 2 || s->shut)
			return -EPIPE;
		if (n > 0)
		{
			if (n > length)
				n = length;
			ring_copy(&s->output, s->output.head, (uint8_t *) buffer, n, 1);
			store(&s->output.head, s->output.head + n);
			fetch_add(&sent, n);
			socket_tell_host(s, SOCKET_OUTPUT);
			return (int) n;
		}
		result = proc_block(self, seen, s->nonblock);
		if (result < 0)
			return result;
	}
}

int
sys_shutdown(int self, int fd)
{
	struct socket *s = socket_of(fd);

	(void) self;
	if (s == NULL)
		return -EBADF;
	if (s->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	s->shut = 1;
	socket_tell_host(s, SOCKET_SHUTDOWN);
	return 0;
}

/*
 * May the process write to the system's socket now? It reads the ring before `flushed`. The host clears `flushed` before it takes
 * from the ring, so an empty ring whose last bytes are still with the host is recognised.
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
sys_direct_end(int fd, uint32_t length)
{
	fetch_add(&sent, length);
	store(&socket_of(fd)->sending, 0);
}

/* ---- the host's side ---- */

uintptr_t
kernel_input_at(int fd)
{
	struct ring *ring = &socket_of(fd)->input;

	return (uintptr_t) ring->bytes + ring->head % RING_SIZE;
}

uint32_t
kernel_input_space(int fd)
{
	struct socket *s = socket_of(fd);
	uint32_t	space = room(&s->input);
	uint32_t	contiguous = RING_SIZE - s->input.head % RING_SIZE;

	s->wants_space = 0;
	if (space == 0)
	{
		/* The process may have read in between, and not seen that the host wants space. */
		store(&s->wants_space, 1);
		space = room(&s->input);
	}
	return space < contiguous ? space : contiguous;
}

void
kernel_input_add(int fd, uint32_t length)
{
	struct socket *s = socket_of(fd);

	Assert(s->hosted && length <= room(&s->input));
	store(&s->input.head, s->input.head + length);
	fetch_add(&received, length);
	socket_tell_process(s);
}

void
kernel_input_end(int fd, int reset)
{
	struct socket *s = socket_of(fd);

	store(&s->ended, reset ? 2 : 1);
	socket_tell_process(s);
}

uintptr_t
kernel_output_at(int fd)
{
	struct ring *ring = &socket_of(fd)->output;

	return (uintptr_t) ring->bytes + ring->tail % RING_SIZE;
}

/* Bytes of output, contiguous from kernel_output_at(). */
uint32_t
kernel_output_size(int fd)
{
	struct ring *ring = &socket_of(fd)->output;
	uint32_t	size = filled(ring);
	uint32_t	contiguous = RING_SIZE - ring->tail % RING_SIZE;

	return size < contiguous ? size : contiguous;
}

/* Says which of the system's sockets belongs to a connection. From then on the process may write to it. */
void
kernel_lend(int fd, int descriptor)
{
	struct socket *s = socket_of(fd);

	s->descriptor = descriptor;
	store(&s->flushed, 1);
}

/* All output that was taken has been sent. */
void
kernel_flushed(int fd)
{
	store(&socket_of(fd)->flushed, 1);
}

/* Is the process writing to the system's socket? After kernel_input_end(fd, 1) it will not begin to again. */
int
kernel_sending(int fd)
{
	return load(&socket_of(fd)->sending);
}

/* Wakes the process if the ring was so full that it may wait for room. */
void
kernel_output_take(int fd, uint32_t length)
{
	struct socket *s = socket_of(fd);
	uint32_t	size = filled(&s->output);

	Assert(s->hosted && length <= size);
	store(&s->flushed, 0);
	store(&s->output.tail, s->output.tail + length);
	if (size > RING_SIZE / 2)
		socket_tell_process(s);
}

double
kernel_received(void)
{
	return (double) load(&received);
}

double
kernel_sent(void)
{
	return (double) load(&sent);
}
