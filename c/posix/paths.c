/*
 * paths.c: from the name of a file to its absolute path, and the working directory between the two.
 *
 * The working directory is kept by the kernel, since children inherit it; the host only ever sees absolute paths.
 */
#include "paths.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "descriptors.h"
#include "host-imports.h"
#include "kernel/kernel.h"
#include "process.h"

int
path_resolve(struct path *path, int base, const char *name)
{
	const char *from = sys_cwd(self);

	if (name[0] == '\0')
		return -ENOENT;
	if (base != AT_FDCWD && name[0] != '/')
	{
		struct file *directory = descriptor_file(base);

		if (directory == NULL)
			return -EBADF;
		if (directory->path == NULL)
			return -ENOTDIR;
		from = directory->path;
	}
	if (strlen(name) >= PATH_SIZE)
		return -ENAMETOOLONG;
	if (name[0] == '/')
		strcpy(path->text, name);
	else
		snprintf(path->text, sizeof(path->text), "%s/%s", from, name);
	return 0;
}

/* ---- the working directory ---- */

int
__syscall_chdir(const char *name)
{
	struct host_stat stat;
	int			error;
	size_t		length;

	RESOLVE(path, AT_FDCWD, name);
	error = host_stat(path.text, 1, &stat);
	if (error < 0)
		return error;
	if (!S_ISDIR((mode_t) stat.mode))
		return -ENOTDIR;
	length = strlen(path.text);
	while (length > 1 && path.text[length - 1] == '/')
		path.text[--length] = '\0';
	if (length >= PATH_SIZE)
		return -ENAMETOOLONG;
	strcpy(sys_cwd(self), path.text);
	return 0;
}

int
__syscall_getcwd(char *buffer, size_t size)
{
	const char *cwd = sys_cwd(self);
	size_t		length = strlen(cwd) + 1;

	if (length > size)
		return -ERANGE;
	memcpy(buffer, cwd, length);
	return (int) length;
}
