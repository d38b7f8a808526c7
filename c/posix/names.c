/*
 * names.c: makes and removes names of files: directories, links, renaming, removal.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host-imports.h"
#include "paths.h"

int
__syscall_unlinkat(int base, const char *name, int flags)
{
	RESOLVE(path, base, name);
	return flags & AT_REMOVEDIR ? host_rmdir(path.text) : host_unlink(path.text);
}

int
__syscall_rmdir(const char *name)
{
	return __syscall_unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int
__syscall_mkdirat(int base, const char *name, mode_t mode)
{
	RESOLVE(path, base, name);
	return host_mkdir(path.text, (int) (mode & ~file_mask));
}

int
__syscall_renameat(int old_base, const char *old, int new_base, const char *new)
{
	RESOLVE(from, old_base, old);
	RESOLVE(to, new_base, new);
	return host_rename(from.text, to.text);
}

int
__syscall_linkat(int old_base, const char *old, int new_base, const char *new, int flags)
{
	(void) flags;
	RESOLVE(from, old_base, old);
	RESOLVE(to, new_base, new);
	return host_link(from.text, to.text);
}

int
__syscall_symlinkat(const char *target, int base, const char *name)
{
	RESOLVE(path, base, name);
	return host_symlink(target, path.text);
}

int
__syscall_readlinkat(int base, const char *name, char *buffer, size_t size)
{
	RESOLVE(path, base, name);
	return host_readlink(path.text, buffer, size);
}
