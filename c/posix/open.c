/*
 * open.c: opens a file and gives it a descriptor. Its kind decides what other calls it allows (descriptors.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "descriptors.h"
#include "host-imports.h"
#include "paths.h"

mode_t		file_mask = 022;

mode_t
__syscall_umask(mode_t mask)
{
	mode_t		old = file_mask;

	file_mask = mask & 0777;
	return old;
}

int
__syscall_openat(int base, const char *name, int flags, ...)
{
	struct file file = {.kind = FILE_REGULAR, .handle = -1, .flags = flags};
	struct host_stat stat;
	int			mode = 0;
	int			fd;

	RESOLVE(path, base, name);
	if (flags & O_CREAT)
	{
		va_list		args;

		va_start(args, flags);
		mode = va_arg(args, int) & ~(int) file_mask;
		va_end(args);
	}
	if (strcmp(path.text, "/dev/urandom") == 0 || strcmp(path.text, "/dev/random") == 0)
		file.kind = FILE_RANDOM;
	else
	{
		file.handle = host_open(path.text, flags, mode);
		if (file.handle < 0 && file.handle != -EISDIR)
			return file.handle;
		if (file.handle < 0 || (flags & (O_ACCMODE | O_CREAT)) == O_RDONLY)
		{
			int			error = file.handle < 0 ? host_stat(path.text, 1, &stat) : host_fstat(file.handle, &stat);

			if (error < 0)
				stat.mode = S_IFREG;
			if (S_ISDIR((mode_t) stat.mode))
			{
				if (file.handle >= 0)
					host_close(file.handle);
				if ((flags & O_ACCMODE) != O_RDONLY)
					return -EISDIR;
				file.handle = -1;
				file.path = strdup(path.text);
				if (file.path == NULL)
					return -ENOMEM;
			}
			else if (!S_ISREG((mode_t) stat.mode))
				file.kind = FILE_STREAM;
		}
	}
	fd = descriptor_open(&file);
	if (fd < 0)
	{
		if (file.handle >= 0)
			host_close(file.handle);
		free(file.path);
	}
	return fd;
}
