/*
 * process.h: what the files of this folder share.
 *
 * c/posix is the part of POSIX that PostgreSQL uses and the C library leaves to the system: thin functions over the
 * kernel (kernel/kernel.h) and the host (host-imports.h), one concept a file. It is linked into every program, so its
 * variables are each process' own.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <errno.h>

extern int	self;				/* this process' slot in the kernel's process table */

/* Run the handlers of pending signals that are not blocked; errno is preserved. */
void		signals_dispatch(void);
void		signals_start(void);

void		descriptors_start(void);
void		limits_start(void);

/*
 * A result of the kernel or the host as the C library's callers want it. What was interrupted by a signal has its
 * handlers run before it returns.
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
