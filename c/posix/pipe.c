/*
 * pipe.c: makes pipes. The kernel has them.
 */
#include "process.h"
#include <fcntl.h>
#include <unistd.h>
#include "kernel/kernel.h"

int
pipe2(int ends[2], int flags)
{
	int			result = sys_pipe(self, ends);

	if (result == 0 && (flags & O_NONBLOCK))
	{
		sys_nonblock(self, ends[0], 1);
		sys_nonblock(self, ends[1], 1);
	}
	return answer(result);
}

int
pipe(int ends[2])
{
	return pipe2(ends, 0);
}
