/*
 * spawn.h: starting a process; included by PostgreSQL's launch_backend.c (patches/0001).
 */
#ifndef SPAWN_H
#define SPAWN_H

/*
 * Start another process of this program with these arguments. `client` is a connected socket that becomes the child's,
 * or -1. Arguments at the end that begin with STREAM_MARK are not for main(), but say by a digit and a file's name what a
 * standard stream of the child is. Returns its pid, or -1 with errno set.
 */
extern int	process_spawn(char *const argv[], int client);

#define STREAM_MARK	"\001"

#endif
