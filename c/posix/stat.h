/*
 * stat.h: turns a file's status as the host reports it into the C library's structure.
 */
#ifndef POSIX_STAT_H
#define POSIX_STAT_H

#include <string.h>
#include <sys/stat.h>
#include "host-imports.h"
#include "users.h"

static inline struct timespec
milliseconds_to_timespec(double ms)
{
	struct timespec time;

	time.tv_sec = (time_t) (ms / 1e3);
	time.tv_nsec = (long) ((ms - (double) time.tv_sec * 1e3) * 1e6);
	return time;
}

/* Every file belongs to the only user; users.h. */
static inline void
fill_stat(struct stat *to, const struct host_stat *from)
{
	memset(to, 0, sizeof(*to));
	to->st_mode = (mode_t) from->mode;
	to->st_size = (off_t) from->size;
	to->st_dev = (dev_t) from->device;
	to->st_ino = (ino_t) from->inode;
	to->st_nlink = (nlink_t) from->links;
	to->st_blocks = (blkcnt_t) from->blocks;
	to->st_blksize = 4096;
	to->st_uid = THE_USER;
	to->st_gid = THE_USER;
	to->st_atim = milliseconds_to_timespec(from->accessed);
	to->st_mtim = milliseconds_to_timespec(from->modified);
	to->st_ctim = milliseconds_to_timespec(from->changed);
}

#endif
