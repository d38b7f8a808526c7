/*
 * shell.c: there is no shell, so psql's \! and \o |... get an error that says so.
 *
 * All functions are weak: the server has its own, with errors that say more (postgres/shell.c), and initdb has as much of a shell as
 * it needs (initdb/shell.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((weak)) FILE *
popen(const char *command, const char *mode)
{
	(void) command;
	(void) mode;
	errno = ENOSYS;
	return NULL;
}

__attribute__((weak)) int
pclose(FILE *file)
{
	return fclose(file);
}

__attribute__((weak)) int
system(const char *command)
{
	if (command == NULL)
		return 0;				/* no shell */
	errno = ENOSYS;
	return -1;
}
