/*
 * copyfile.c: copies a whole file by one call of the host, so that its bytes do not go through this process' memory.
 *
 * PostgreSQL calls it with COPYFILE_CLONE_FORCE. On macOS that fails where the file system cannot let two files share their
 * blocks; here it then copies them, as copy_file_range() does, which PostgreSQL calls for the same on Linux.
 */
#include <copyfile.h>
#include <errno.h>
#include <fcntl.h>
#include "host-imports.h"
#include "paths.h"
#include "process.h"

static int
copy_at(const char *from_name, const char *to_name)
{
	RESOLVE(from, AT_FDCWD, from_name);
	RESOLVE(to, AT_FDCWD, to_name);
	return host_copy(from.text, to.text);
}

int
copyfile(const char *from, const char *to, void *state, unsigned flags)
{
	if (state != NULL || flags != COPYFILE_CLONE_FORCE)
		return answer(-ENOTSUP);
	return answer(copy_at(from, to));
}
