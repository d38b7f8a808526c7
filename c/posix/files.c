/*
 * files.c: reads and writes open files, and the other calls on an open file.
 *
 * The C library's read, write, pread, readv, fread, … all end in the few functions here.
 */
#include "descriptors.h"
#include "process.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <wasi/api.h>
#include <unistd.h>
#include "host-imports.h"
#include "kernel/kernel.h"
#include "stat.h"

/* ---- one buffer ---- */

static int
read_some(int fd, void *buffer, size_t length, double position)
{
	struct file *file;

	if (IS_SOCKET(fd))
		return socket_recv(fd, buffer, length);
	if (IS_KERNEL_FD(fd))
		return sys_pipe_read(self, fd, buffer, length);
	file = descriptor_file(fd);
	if (file == NULL)
		return -EBADF;
	if (file->kind == FILE_RANDOM)
		return host_random(buffer, length) < 0 ? -EIO : (int) length;
	return file->handle < 0 ? -EISDIR : host_read(file->handle, buffer, length, position);
}

static int
write_some(int fd, const void *buffer, size_t length, double position)
{
	struct file *file;

	if (IS_SOCKET(fd))
		return socket_send(fd, buffer, length);
	if (IS_KERNEL_FD(fd))
		return sys_pipe_write(self, fd, buffer, length);
	file = descriptor_file(fd);
	if (file == NULL || file->handle < 0)
		return -EBADF;
	return host_write(file->handle, buffer, length, file->flags & O_APPEND ? -1 : position);
}

/* ---- several buffers ---- */

typedef int (*transfer) (int fd, void *buffer, size_t length, double position);

/* write_some() as a `transfer`, whose buffer is not const; it does not change the buffer. */
#define WRITE ((transfer) write_some)

/*
 * Goes on to the next buffer for as long as each is filled. `position` -1: not seekable. Returns the C library's errno,
 * as WASI's functions do.
 */
static __wasi_errno_t
each(transfer some, int fd, const __wasi_iovec_t *iov, size_t count, double position, size_t *done)
{
	*done = 0;
	for (size_t i = 0; i < count; i++)
	{
		int			result;

		if (iov[i].buf_len == 0)
			continue;
		result = some(fd, iov[i].buf, iov[i].buf_len, position < 0 ? -1 : position + (double) *done);
		if (result < 0)
		{
			if (*done > 0)
				return 0;
			if (result == -EINTR)
				signals_dispatch();
			return (__wasi_errno_t) -result;
		}
		*done += (size_t) result;
		if ((size_t) result < iov[i].buf_len)
			break;
	}
	return 0;
}

/* Reads or writes at the file's own position, and moves that. */
static __wasi_errno_t
sequential(transfer some, int fd, const __wasi_iovec_t *iov, size_t count, size_t *done)
{
	struct file *file = IS_KERNEL_FD(fd) ? NULL : descriptor_file(fd);
	__wasi_errno_t error;

	if (file == NULL || file->kind != FILE_REGULAR)
		return each(some, fd, iov, count, -1, done);
	error = each(some, fd, iov, count, file->position, done);
	file->position += (double) *done;
	return error;
}

__wasi_errno_t
__wasi_fd_read(__wasi_fd_t fd, const __wasi_iovec_t *iov, size_t count, __wasi_size_t *done)
{
	return sequential(read_some, (int) fd, iov, count, done);
}

__wasi_errno_t
__wasi_fd_write(__wasi_fd_t fd, const __wasi_ciovec_t *iov, size_t count, __wasi_size_t *done)
{
	return sequential(WRITE, (int) fd, (const __wasi_iovec_t *) iov, count, done);
}

__wasi_errno_t
__wasi_fd_pread(__wasi_fd_t fd, const __wasi_iovec_t *iov, size_t count, __wasi_filesize_t at, __wasi_size_t *done)
{
	return IS_KERNEL_FD(fd) ? ESPIPE : each(read_some, (int) fd, iov, count, (double) at, done);
}

__wasi_errno_t
__wasi_fd_pwrite(__wasi_fd_t fd, const __wasi_ciovec_t *iov, size_t count, __wasi_filesize_t at, __wasi_size_t *done)
{
	return IS_KERNEL_FD(fd) ? ESPIPE : each(WRITE, (int) fd, (const __wasi_iovec_t *) iov, count, (double) at, done);
}

__wasi_errno_t
__wasi_fd_seek(__wasi_fd_t fd, __wasi_filedelta_t offset, __wasi_whence_t whence, __wasi_filesize_t *result)
{
	struct file *file = IS_KERNEL_FD(fd) ? NULL : descriptor_file((int) fd);
	struct host_stat stat;
	double		position = (double) offset;

	if (file == NULL)
		return IS_KERNEL_FD(fd) ? ESPIPE : EBADF;
	if (file->path != NULL && whence == SEEK_SET)
	{
		/* rewinddir: read it anew */
		if (offset == 0)
		{
			free(file->list);
			file->list = NULL;
		}
		file->position = position;
		*result = (uint64_t) offset;
		return 0;
	}
	if (file->kind != FILE_REGULAR || file->handle < 0)
		return ESPIPE;
	if (whence == SEEK_CUR)
		position += file->position;
	else if (whence == SEEK_END)
	{
		int			error = host_fstat(file->handle, &stat);

		if (error < 0)
			return (__wasi_errno_t) -error;
		position += stat.size;
	}
	if (position < 0)
		return EINVAL;
	file->position = position;
	*result = (uint64_t) position;
	return 0;
}

/* ---- durability and size ---- */

static int
sync_file(int fd, int data_only)
{
	struct file *file = IS_KERNEL_FD(fd) ? NULL : descriptor_file(fd);

	if (file == NULL)
		return -EBADF;
	if (file->path == NULL)
		return host_sync(file->handle, data_only);

	/* A directory: opened only for this. */
	int			handle = host_open(file->path, O_RDONLY, 0);
	int			result = handle < 0 ? handle : host_sync(handle, data_only);

	if (handle >= 0)
		host_close(handle);
	return result;
}

__wasi_errno_t
__wasi_fd_sync(__wasi_fd_t fd)
{
	return (__wasi_errno_t) -sync_file((int) fd, 0);
}

int
__syscall_fdatasync(int fd)
{
	return sync_file(fd, 1);
}

/* A hint to begin writing back, which the host has no call for. */
int
sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
	(void) fd;
	(void) offset;
	(void) length;
	(void) flags;
	return 0;
}

int
__syscall_fadvise64(int fd, off_t offset, off_t length, int advice)
{
	(void) fd;
	(void) offset;
	(void) length;
	(void) advice;
	return 0;
}

int
__syscall_ftruncate64(int fd, off_t size)
{
	struct file *file = IS_KERNEL_FD(fd) ? NULL : descriptor_file(fd);

	return file == NULL || file->handle < 0 ? -EBADF : host_truncate(file->handle, (double) size);
}

/*
 * It is not enough to make the file longer. The space must be allocated, or a later write there fails, long after the statement that
 * asked for it. Hosts have no call for that, so PostgreSQL writes zeros, as on every system without this call.
 */
int
__syscall_fallocate(int fd, int mode, off_t offset, off_t length)
{
	(void) fd;
	(void) mode;
	(void) offset;
	(void) length;
	return -EOPNOTSUPP;
}

int
__syscall_fstat64(int fd, struct stat *result)
{
	struct file *file;
	struct host_stat stat;
	int			error;

	if (IS_KERNEL_FD(fd))
	{
		memset(result, 0, sizeof(*result));
		result->st_mode = IS_SOCKET(fd) ? S_IFSOCK : S_IFIFO;
		return 0;
	}
	file = descriptor_file(fd);
	if (file == NULL)
		return -EBADF;
	error = file->path != NULL ? host_stat(file->path, 1, &stat) : host_fstat(file->handle, &stat);
	if (error < 0)
		return error;
	fill_stat(result, &stat);
	return 0;
}

int
__syscall_fchmod(int fd, mode_t mode)
{
	(void) fd;
	(void) mode;
	return 0;
}

int
__syscall_fchown32(int fd, uid_t owner, gid_t group)
{
	(void) fd;
	(void) owner;
	(void) group;
	return 0;
}
