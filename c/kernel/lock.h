/*
 * lock.h: the kernel's locks. Each guards one table, and is held for no longer than it takes to look through that table,
 * never while sleeping. Nobody holds two at a time: whoever waits for a lock waits for its holder alone.
 */
#ifndef LOCK_H
#define LOCK_H

enum lock
{
	PROC_LOCK,					/* which slots of the process table are taken */
	PAGE_LOCK,					/* the owners of pages */
	PIPE_LOCK,					/* which pipes are taken, and the bytes in them */
	SOCKET_LOCK,				/* which sockets are taken, and accept queues */
	SHM_LOCK,					/* shared memory segments and who is attached */
	NLOCK
};

void		acquire(enum lock lock, int self);
void		release(enum lock lock, int self);
void		release_all(int slot);
int			lock_held(enum lock lock, int self);
int			lock_held_any(int self);

#endif
