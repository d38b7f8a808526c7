/*
 * process.h: what the files of this folder share.
 *
 * c/posix is the part of POSIX that PostgreSQL uses and the C library leaves to the system: thin functions over the
 * kernel (kernel/kernel.h) and the host (host-imports.h), with a file for each concept. The build links it into every
 * program, so each process has its own copy of the variables.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <errno.h>

extern int	self;				/* this process' slot in the kernel's process table */

/* Runs the handlers of pending signals that are not blocked, and leaves errno as it was. */
void		signals_dispatch(void);
void		signals_start(void);

void		descriptors_start(void);
void		limits_start(void);

/*
 * Turns a result of the kernel or the host into what a function of the C library returns: -1 and errno for an error. If a
 * signal has interrupted the call, it runs the signal's handler first.
 */
static inline int
answer(int result)
{
	if (result >= 0)
		return result;
	if (result == -EINTR)
		signals_dispatch();
	errno = -result;
	return -1;
}

#endif
