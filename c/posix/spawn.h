/*
 * spawn.h: starting a process; included by PostgreSQL's launch_backend.c (patches/0001).
 */
#ifndef SPAWN_H
#define SPAWN_H

/*
 * Start another process of this program with these arguments. `client` is a connected socket that becomes the child's,
 * or -1; `input` names the file to be its standard input, or is NULL. Returns its pid, or -1 with errno set.
 */
extern int	process_spawn(char *const argv[], int client, const char *input);

#endif
