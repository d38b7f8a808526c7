/*
 * descriptors.c: the table that numbers a process' open files: dup, close, fcntl. For open() see open.c.
 *
 * Descriptors are not inherited: a child begins with the three standard streams, and with whatever pipes and sockets
 * its parent tells it the numbers of.
 */
#include "descriptors.h"
#include "process.h"
#include "client.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>
#include "host-imports.h"
#include "kernel/kernel.h"

static struct file *table[NFILE];
static struct file standard[3];

void
descriptors_start(void)
{
	for (int fd = 0; fd < 3; fd++)
	{
		standard[fd] = (struct file) {.refs = 2, .kind = FILE_STREAM, .handle = fd, .position = -1};
		table[fd] = &standard[fd];
	}
}

struct file *
descriptor_file(int fd)
{
	return fd >= 0 && fd < NFILE ? table[fd] : NULL;
}

static int
lowest_free(int from)
{
	for (int fd = from; fd < NFILE; fd++)
		if (table[fd] == NULL)
			return fd;
	return -EMFILE;
}

/* Gives a newly opened file a descriptor. */
int
descriptor_open(const struct file *file)
{
	int			fd = lowest_free(0);
	struct file *copy;

	if (fd < 0)
		return fd;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	*copy = *file;
	copy->refs = 1;
	table[fd] = copy;
	return fd;
}

__wasi_errno_t
__wasi_fd_close(__wasi_fd_t wasi_fd)
{
	int			fd = (int) wasi_fd;
	struct file *file;
	int			result = 0;

	if (IS_KERNEL_FD(fd))
		return (__wasi_errno_t) -sys_close(self, fd);
	file = descriptor_file(fd);
	if (file == NULL)
		return EBADF;
	table[fd] = NULL;
	if (--file->refs > 0)
		return 0;
	if (file->handle >= 0)
		result = host_close(file->handle);
	free(file->path);
	free(file->list);
	free(file);
	return (__wasi_errno_t) -result;
}

int
__syscall_dup(int fd)
{
	struct file *file = descriptor_file(fd);
	int			copy = lowest_free(0);

	if (file == NULL)
		return -EBADF;
	if (copy < 0)
		return copy;
	file->refs++;
	table[copy] = file;
	return copy;
}

int
__syscall_dup3(int fd, int copy, int flags)
{
	struct file *file = descriptor_file(fd);

	(void) flags;
	if (file == NULL || copy < 0 || copy >= NFILE)
		return -EBADF;
	if (fd == copy)
		return copy;
	if (table[copy] != NULL)
		(void) close(copy);
	file->refs++;
	table[copy] = file;
	return copy;
}

int
__syscall_fcntl64(int fd, int command, ...)
{
	va_list		args;
	int			argument;
	struct file *file;

	va_start(args, command);
	argument = va_arg(args, int);
	va_end(args);
	if (IS_KERNEL_FD(fd))
	{
		if (command != F_SETFL || is_client(fd))
			return 0;			/* a client's bytes never block; see client.c */
		return sys_nonblock(self, fd, (argument & O_NONBLOCK) != 0);
	}
	file = descriptor_file(fd);
	if (file == NULL)
		return -EBADF;
	switch (command)
	{
		case F_GETFL:
			return file->flags;
		case F_GETFD:
		case F_SETFD:
		case F_SETFL:
		case F_SETLK:
		case F_SETLKW:
			return 0;
		default:
			return -EINVAL;
	}
}
