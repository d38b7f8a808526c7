/*
 * lock.h: the kernel's locks. Each guards one table. A process holds a lock no longer than it takes to look through that
 * table, and never while it sleeps. No process holds two locks at a time, so a process that waits for a lock waits for
 * the lock's holder and for nothing else.
 */
#ifndef LOCK_H
#define LOCK_H

enum lock
{
	PROC_LOCK,					/* which slots of the process table are in use */
	PAGE_LOCK,					/* the owners of pages */
	PIPE_LOCK,					/* which pipes are in use, and the bytes in them */
	SOCKET_LOCK,				/* which sockets are in use, and accept queues */
	SHM_LOCK,					/* shared memory segments, and the processes attached to them */
	NLOCK
};

void		acquire(enum lock lock, int self);
void		release(enum lock lock, int self);
void		release_all(int slot);
int			lock_held(enum lock lock, int self);
int			lock_held_any(int self);

#endif
