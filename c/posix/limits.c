/*
 * limits.c: limits of resources, sysconf(), and the environment.
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

size_t		stack_frame_pin;

/* Before main(), because every function that checks the depth reads it. */
void
limits_start(void)
{
	stack_frame_pin = sys_stack_frame();
}

uintptr_t
emscripten_stack_get_base(void)
{
	return sys_stack_limit(self) + sys_stack_depth() + STACK_ROOM;
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
		value = sys_stack_depth() + STACK_SLOP;
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

/* The C library asks for the environment in WASI's two steps, the number of strings and their size first. */
static char *environment;
static int	environment_size;

__wasi_errno_t
__wasi_environ_sizes_get(__wasi_size_t *count, __wasi_size_t *size)
{
	environment_size = host_environment(NULL, 0);
	environment = malloc((size_t) environment_size);
	if (environment == NULL || host_environment(environment, (size_t) environment_size) != environment_size)
		return ENOMEM;
	*count = 0;
	for (int i = 0; i < environment_size; i++)
		if (environment[i] == '\0')
			(*count)++;
	*size = (size_t) environment_size;
	return 0;
}

__wasi_errno_t
__wasi_environ_get(uint8_t **strings, uint8_t *buffer)
{
	uint8_t    *start = buffer;

	for (int i = 0; i < environment_size; i++)
	{
		buffer[i] = (uint8_t) environment[i];
		if (buffer[i] == '\0')
		{
			*strings++ = start;
			start = buffer + i + 1;
		}
	}
	free(environment);
	return 0;
}

__wasi_errno_t
__wasi_random_get(uint8_t *buffer, __wasi_size_t size)
{
	return host_random(buffer, size) < 0 ? EIO : 0;
}

int
getentropy(void *buffer, size_t size)
{
	return answer(host_random(buffer, size)) < 0 ? -1 : 0;
}
