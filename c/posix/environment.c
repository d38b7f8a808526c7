/*
 * environment.c: the environment variables, which the host gives.
 */
#include <errno.h>
#include <stdlib.h>
#include <wasi/api.h>
#include "host-imports.h"

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
