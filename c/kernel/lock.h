/*
 * lock.h: the kernel's locks. Each guards one table and is held for a few dozen instructions, never while sleeping.
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

#endif
