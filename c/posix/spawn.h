/*
 * spawn.h: starting a process; included by PostgreSQL's launch_backend.c (patches/0001).
 */
#ifndef SPAWN_H
#define SPAWN_H

/*
 * Start another process of this program with these arguments. `client` is a connected socket that becomes the child's,
 * or -1. With `attendant` the child gets little stack: see kernel/kernel.h. The last arguments may begin with STREAM_MARK. These are not for main(): each names, by a digit and a file's name,
 * one of the child's standard streams and the file that it is. Returns the child's pid, or -1 with errno set.
 */
extern int	process_spawn(char *const argv[], int client, int attendant);

#define STREAM_MARK	"\001"

#endif
