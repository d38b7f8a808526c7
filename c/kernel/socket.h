/*
 * socket.h: what the files about sockets share. socket.c has the table of sockets, listen.c the code for listening,
 * connect.c for connecting, connection.c for sending and receiving.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include "kernel.h"
#include "param.h"

enum socket_state
{
	SOCKET_FREE,
	SOCKET_NEW,					/* a process has made it, and not bound it */
	SOCKET_ASKED,				/* a process has asked the host to listen */
	SOCKET_LISTENING,
	SOCKET_CONNECTING,			/* a process has asked the host to connect */
	SOCKET_CONNECTED,
	SOCKET_FREEING				/* its owner is freeing its memory */
};

struct ring
{
	volatile uint32_t head;		/* how many bytes were written in all; only the writer changes it */
	volatile uint32_t tail;		/* how many bytes were read in all; only the reader changes it */
	uint8_t    *bytes;			/* an array of RING_SIZE */
};

struct socket
{
	volatile int state;			/* enum socket_state. It leaves and enters SOCKET_FREE under SOCKET_LOCK only */
	volatile int owner;			/* slot of the process that holds it, or 0. The process lets go under SOCKET_LOCK */
	volatile int hosted;		/* the host holds it, and the kernel tells it when the process lets go. Only the host writes this */
	volatile int queued;		/* a listener's queue holds it. Guarded by SOCKET_LOCK */
	volatile int poller;		/* slot of the process that waits for it, or 0 */
	volatile int events;		/* SOCKET_ bits that the host has not taken yet */
	volatile int ended;			/* input: 0 more may come, 1 end of stream, 2 the client is gone */
	volatile int wants_space;	/* the host has input for which there is no room */
	volatile int flushed;		/* the host has sent all output that it has taken */
	volatile int sending;		/* the process is writing to `descriptor` */
	volatile int moved;			/* the process' thread does the host's part, see kernel_move() */
	int			descriptor;		/* the system's own socket, to which the process may write, or -1 */
	int			nonblock;
	int			shut;			/* the process has shut down its output */
	int			error;			/* errno of a failed bind or connect */
	struct address local;
	struct address peer;
	struct ring input;
	struct ring output;
	int			queue[BACKLOG];	/* connections that a listener has not accepted yet. Guarded by SOCKET_LOCK */
	uint32_t	queue_head;
	uint32_t	queue_tail;
};

int			socket_boot(int processes);
struct socket *socket_of(int fd);
int			socket_fd(struct socket *s);
struct socket *socket_alloc(int self, enum socket_state state);
void		socket_free_if_unused(int self, struct socket *s);
int			socket_make_rings(struct socket *s);
void		socket_tell_host(struct socket *s, int event);
void		socket_tell_process(struct socket *s);

int			socket_give(int self, int fd, int slot);
void		socket_close(int self, int fd);
void		socket_close_all(int slot);
int			socket_poll(int self, int fd, int events);
int			socket_moved(int fd);
int			socket_nonblock(int fd, int nonblock);
void		socket_check_idle(void);

/* Closes all connections in a listener's queue; listen.c */
void		socket_refuse_queued(int self, struct socket *listener);

#endif
