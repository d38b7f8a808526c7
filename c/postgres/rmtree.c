/*
 * rmtree.c: removes a directory by one call of the host, where the host can do that. The linker puts this in the place of PostgreSQL's
 * rmtree(), which removes one file after the other, and says which ones it could not remove.
 */
#include "postgres.h"

#include <fcntl.h>

#include "host-imports.h"
#include "posix/paths.h"

bool		__real_rmtree(const char *path, bool rmtopdir);
bool		__wrap_rmtree(const char *path, bool rmtopdir);

static int
remove_at_once(const char *name)
{
	RESOLVE(path, AT_FDCWD, name);
	return host_remove_directory(path.text);
}

bool
__wrap_rmtree(const char *path, bool rmtopdir)
{
	return (rmtopdir && remove_at_once(path) == 0) || __real_rmtree(path, rmtopdir);
}
