/*
 * paths.c: what is done to files by name: open, stat, rename, directories, links.
 *
 * The working directory is kept by the kernel, since children inherit it; the host only ever sees absolute paths.
 */
#include "descriptors.h"
#include "process.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "host-imports.h"
#include "kernel/kernel.h"
#include "stat.h"

#define TYPE(mode)	((mode_t) (mode) & S_IFMT)

static mode_t file_mask = 022;

/* An absolute path, in a buffer of the caller's. */
struct path
{
	char		text[2 * PATH_SIZE];
};

/* `base` is a directory's descriptor, or AT_FDCWD. Returns 0 or a negated errno. */
static int
resolve(struct path *path, int base, const char *name)
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

/* Resolve into a local `path`, or return from the calling function. */
#define RESOLVE(path_, base, name) \
	struct path path_; \
	{ int error_ = resolve(&path_, base, name); if (error_ < 0) return error_; }

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
			if (TYPE(stat.mode) == S_IFDIR)
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
			else if (TYPE(stat.mode) != S_IFREG)
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

/* ---- status ---- */

static int
stat_at(int base, const char *name, int follow, struct stat *result)
{
	struct host_stat stat;
	int			error;

	RESOLVE(path, base, name);
	error = host_stat(path.text, follow, &stat);
	if (error < 0)
		return error;
	fill_stat(result, &stat);
	return 0;
}

int
__syscall_stat64(const char *name, struct stat *result)
{
	return stat_at(AT_FDCWD, name, 1, result);
}

int
__syscall_lstat64(const char *name, struct stat *result)
{
	return stat_at(AT_FDCWD, name, 0, result);
}

int			__syscall_fstat64(int fd, struct stat *result);

int
__syscall_newfstatat(int base, const char *name, struct stat *result, int flags)
{
	if (name[0] == '\0' && (flags & AT_EMPTY_PATH))
		return __syscall_fstat64(base, result);
	return stat_at(base, name, !(flags & AT_SYMLINK_NOFOLLOW), result);
}

/* The one user may do what the owner's bits allow. */
int
__syscall_faccessat(int base, const char *name, int wanted, int flags)
{
	struct stat stat;
	int			error = stat_at(base, name, 1, &stat);

	(void) flags;
	if (error < 0)
		return error;
	return ((stat.st_mode >> 6) & (mode_t) wanted) == (mode_t) wanted ? 0 : -EACCES;
}

int
__syscall_access(const char *name, int wanted)
{
	return __syscall_faccessat(AT_FDCWD, name, wanted, 0);
}

int
__syscall_chmod(const char *name, mode_t mode)
{
	RESOLVE(path, AT_FDCWD, name);
	return host_chmod(path.text, (int) mode);
}

int
__syscall_fchmodat2(int base, const char *name, mode_t mode, int flags)
{
	(void) flags;
	RESOLVE(path, base, name);
	return host_chmod(path.text, (int) mode);
}

int
__syscall_fchownat(int base, const char *name, uid_t owner, gid_t group, int flags)
{
	(void) flags;
	RESOLVE(path, base, name);
	return host_chown(path.text, (int) owner, (int) group);
}

int
__syscall_utimensat(int base, const char *name, const struct timespec times[2], int flags)
{
	double		now = host_clock(HOST_REALTIME) / 1e3;
	double		set[2] = {now, now};

	(void) flags;
	RESOLVE(path, base, name);
	for (int i = 0; times != NULL && i < 2; i++)
		if (times[i].tv_nsec != UTIME_NOW)
			set[i] = (double) times[i].tv_sec * 1e3 + (double) times[i].tv_nsec / 1e6;
	return host_utimes(path.text, set[0], set[1]);
}

mode_t
__syscall_umask(mode_t mask)
{
	mode_t		old = file_mask;

	file_mask = mask & 0777;
	return old;
}

/* ---- names ---- */

int
__syscall_truncate64(const char *name, off_t size)
{
	int			handle,
				result;

	RESOLVE(path, AT_FDCWD, name);
	handle = host_open(path.text, O_WRONLY, 0);
	if (handle < 0)
		return handle;
	result = host_truncate(handle, (double) size);
	host_close(handle);
	return result;
}

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

/* ---- directories ---- */

int
__syscall_chdir(const char *name)
{
	struct stat stat;
	int			error;
	size_t		length;

	RESOLVE(path, AT_FDCWD, name);
	error = stat_at(AT_FDCWD, path.text, 1, &stat);
	if (error < 0)
		return error;
	if (!S_ISDIR(stat.st_mode))
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

/* Reads the whole directory once, so that entries come in one consistent order however it changes meanwhile. */
static int
read_list(struct file *directory)
{
	int			size = 4096;

	for (;;)
	{
		char	   *list = malloc((size_t) size);
		int			needed;

		if (list == NULL)
			return -ENOMEM;
		needed = host_list(directory->path, list, (size_t) size);
		if (needed >= 0 && needed <= size)
		{
			directory->list = list;
			directory->list_size = needed;
			return 0;
		}
		free(list);
		if (needed < 0)
			return needed;
		size = needed + 1024;
	}
}

/* Appends one entry if it fits; returns its size, or 0. */
static size_t
add_entry(void *buffer, size_t room, int type, const char *name, int64_t next)
{
	struct dirent *entry = buffer;
	size_t		length = strlen(name) + 1;
	size_t		size = (offsetof(struct dirent, d_name) + length + 7) & ~(size_t) 7;

	if (size > room || length > sizeof(entry->d_name))
		return 0;
	memset(entry, 0, offsetof(struct dirent, d_name));
	entry->d_ino = 1;			/* there is a file; whoever wants its number calls stat */
	entry->d_off = next;
	entry->d_reclen = (unsigned short) size;
	entry->d_type = (unsigned char) type;
	memcpy(entry->d_name, name, length);
	return size;
}

/* The position counts ".", "..", and then bytes of the list. */
int
__syscall_getdents64(int fd, void *buffer, size_t size)
{
	struct file *file = descriptor_file(fd);
	size_t		used = 0;

	if (file == NULL)
		return -EBADF;
	if (file->path == NULL)
		return -ENOTDIR;
	if (file->list == NULL)
	{
		int			error = read_list(file);

		if (error < 0)
			return error;
	}
	for (;;)
	{
		int			at = (int) file->position - 2;
		const char *name = at < 0 ? &".."[-1 - at] : file->list + at + 1;
		int			type = at < 0 ? DT_DIR : file->list[at];
		double		next = at < 0 ? file->position + 1 : file->position + 2 + (double) strlen(name);
		size_t		added;

		if (at >= file->list_size)
			return (int) used;
		added = add_entry((char *) buffer + used, size - used, type, name, (int64_t) next);
		if (added == 0)
			return used > 0 ? (int) used : -EINVAL;
		used += added;
		file->position = next;
	}
}
