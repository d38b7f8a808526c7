/*
 * socket.h: sockets, as the files about them share them: socket.c has the table, listen.c those that listen,
 * connect.c those that connect, connection.c those that carry bytes.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include "kernel.h"
#include "param.h"

enum socket_state
{
	SOCKET_FREE,
	SOCKET_NEW,					/* made by a process, not bound */
	SOCKET_ASKED,				/* the host has been asked to listen */
	SOCKET_LISTENING,
	SOCKET_CONNECTING,			/* the host has been asked to connect */
	SOCKET_CONNECTED,
	SOCKET_FREEING				/* its owner gives back the memory */
};

struct ring
{
	volatile uint32_t head;		/* bytes ever written, by the writer */
	volatile uint32_t tail;		/* bytes ever read, by the reader */
	uint8_t    *bytes;			/* RING_SIZE of them */
};

struct socket
{
	volatile int state;			/* enum socket_state. SOCKET_LOCK to leave or enter SOCKET_FREE */
	volatile int owner;			/* slot of the process that holds it, 0 none. SOCKET_LOCK to let go */
	volatile int hosted;		/* the host holds it, and is told when the process lets go. Written by the host only */
	volatile int queued;		/* a listener's queue holds it. SOCKET_LOCK */
	volatile int poller;		/* slot of the process that waits for it, 0 none */
	volatile int events;		/* SOCKET_ bits that the host has yet to see */
	volatile int ended;			/* input: 0 more may come, 1 end of stream, 2 the client is gone */
	volatile int wants_space;	/* the host has input that does not fit */
	volatile int flushed;		/* the host has no output that it has taken and not yet sent */
	volatile int sending;		/* the process uses `descriptor` right now */
	int			descriptor;		/* the system's own socket, which the process may write to, or -1 */
	int			nonblock;
	int			shut;			/* the process has shut down its output */
	int			error;			/* errno of a bind or connect that failed */
	struct address local;
	struct address peer;
	struct ring input;
	struct ring output;
	int			queue[BACKLOG];	/* a listener's connections to be accepted. SOCKET_LOCK */
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
int			socket_nonblock(int fd, int nonblock);
void		socket_check_idle(void);

/* Closes a listener's queue and what is in it; listen.c */
void		socket_refuse_queued(int self, struct socket *listener);

#endif
