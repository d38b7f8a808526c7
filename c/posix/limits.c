/*
 * limits.c: limits of resources, and sysconf().
 */
#include "descriptors.h"
#include "process.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wasi/api.h>
#include "host-imports.h"
#include "kernel/kernel.h"
#include "stack.h"

size_t		stack_frame_pin,
			stack_depth_limit;

/* Before main(), because every function that checks the depth reads it. */
void
limits_start(void)
{
	stack_frame_pin = sys_stack_frame();
	stack_depth_limit = sys_stack_depth(self);
}

uintptr_t
emscripten_stack_get_base(void)
{
	return sys_stack_base(self);
}

uintptr_t
emscripten_stack_get_end(void)
{
	return sys_stack_limit(self);
}

int
getrlimit(int resource, struct rlimit *limit)
{
	rlim_t		value = RLIM_INFINITY;

	if (resource == RLIMIT_NOFILE)
		value = NFILE;
	else if (resource == RLIMIT_STACK)
		value = sys_stack_most() + STACK_SLOP;
	limit->rlim_cur = limit->rlim_max = value;
	return 0;
}

/* sysconf() reports all the memory that there can be, and two processors, whatever the host has. */
size_t
emscripten_get_heap_max(void)
{
	return (size_t) -1 & ~(size_t) (PAGE_SIZE - 1);
}

int
emscripten_num_logical_cores(void)
{
	return 2;
}

int
setrlimit(int resource, const struct rlimit *limit)
{
	(void) resource;
	(void) limit;
	return 0;
}
