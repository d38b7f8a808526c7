/*
 * status.c: reads and sets a file's status by its name: permissions, owner, times, size.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "host-imports.h"
#include "paths.h"
#include "stat.h"

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
