/*
 * random.c: random bytes, from the host.
 */
#include "process.h"
#include <errno.h>
#include <unistd.h>
#include <wasi/api.h>
#include "host-imports.h"

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
