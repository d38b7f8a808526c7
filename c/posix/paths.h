/*
 * paths.h: files by name.
 */
#ifndef PATHS_H
#define PATHS_H

#include <sys/types.h>
#include "kernel/param.h"

/* An absolute path. */
struct path
{
	char		text[2 * PATH_SIZE];
};

/* Makes a path absolute. `base` is a directory's descriptor, or AT_FDCWD. Returns 0 or a negated errno. */
int			path_resolve(struct path *path, int base, const char *name);

/* Declares a local variable for the resolved path; if there is an error, the calling function returns it. */
#define RESOLVE(path_, base, name) \
	struct path path_; \
	{ int error_ = path_resolve(&path_, base, name); if (error_ < 0) return error_; }

extern mode_t file_mask;		/* permissions that new files and directories do not get; open.c */

#endif
